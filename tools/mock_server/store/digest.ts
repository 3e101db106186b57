/**
 * Digests as the real server computes them, directly from the request's text: this
 * preserves the difference between the JSON numbers `1` and `1.0`, as Python's `json`
 * does and `JSON.parse` does not.
 *
 * Deliberately independent of the client's implementation, so that each checks the other.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** A JSON value in Python's canonical text: leaves are formatted, containers are not yet. */
export type Canonical = string | Canonical[] | Map<string, Canonical>;

/** SHA-256 of bytes or UTF-8 text in the server's own base64 dialect. */
export function bytesDigest(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("base64url")
    .replaceAll("-", "X").replaceAll("_", "Y");
}

/** The digest of a table, computed from those of its rows in order. */
export function tableDigest(rowDigests: readonly string[]): string {
  const hash = createHash("sha256");
  for (const digest of rowDigests) hash.update(digest);
  return hash.digest("hex");
}

/** The digest of an object or a row. */
export function valueDigest(value: Canonical): string {
  return bytesDigest(pythonJson(value));
}

/** `json.dumps(value, sort_keys=True)`. */
export function pythonJson(value: Canonical): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  const keys = [...value.keys()].sort(byCodePoint);
  return `{${keys.map((key) => `${asciiString(key)}: ${pythonJson(value.get(key)!)}`).join(", ")}}`;
}

/**
 * Parses valid JSON text.
 *
 * @param replaceString Applied to every string value (not to keys), for refs.
 */
export function readCanonical(
  text: string,
  replaceString: (value: string) => string = (value) => value,
): Canonical {
  let at = 0;
  const next = (): string => {
    while (text.charCodeAt(at) <= 0x20) at++;
    const start = at;
    at = tokenEnd(text, start);
    return text.slice(start, at);
  };
  const read = (first: string): Canonical => {
    if (first === "{") {
      const fields = new Map<string, Canonical>();
      for (let key = next(); key !== "}"; key = next()) {
        if (key === ",") continue;
        next();
        fields.set(JSON.parse(key), read(next()));
      }
      return fields;
    }
    if (first === "[") {
      const items: Canonical[] = [];
      for (let item = next(); item !== "]"; item = next()) {
        if (item !== ",") items.push(read(item));
      }
      return items;
    }
    if (first[0] === '"') return asciiString(replaceString(JSON.parse(first)));
    return first === "true" || first === "false" || first === "null" ? first : pythonNumber(first);
  };
  return read(next());
}

// Hand-written: a regular expression overflows the stack on strings of many megabytes.
function tokenEnd(text: string, start: number): number {
  if ("{}[]:,".includes(text[start])) return start + 1;
  let end = start + 1;
  if (text[start] !== '"') {
    while (end < text.length && /[\w.+-]/.test(text[end])) end++;
    return end;
  }
  for (;;) {
    const quote = text.indexOf('"', end);
    let slashes = 0;
    while (text[quote - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return quote + 1;
    end = quote + 1;
  }
}

function pythonNumber(literal: string): string {
  if (!/[.eE]/.test(literal)) return BigInt(literal).toString();
  const value = Number(literal);
  if (Object.is(value, -0)) return "-0.0";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  // Python uses exponents below 1e-4 and from 1e16, JavaScript below 1e-6 and from 1e21.
  const [, sign, digits, power] = /^(-?)([\d.]+)e([+-]\d+)$/.exec(value.toExponential())!;
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const size = Math.abs(exponent).toString().padStart(2, "0");
    return `${sign}${digits}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  const figures = digits.replace(".", "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${figures}`;
  const whole = figures.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${figures.slice(exponent + 1) || "0"}`;
}

function asciiString(value: string): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function byCodePoint(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let index = 0; index < left.length && index < right.length; index++) {
    const order = left[index].codePointAt(0)! - right[index].codePointAt(0)!;
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
