/**
 * Python's `json.dumps(value, sort_keys=True)`, character for character. The Weave server hashes
 * this text to name an object or a row (`canonical_json` in the Python SDK's
 * `weave/trace/serialization/digest.py`, shared with the server).
 *
 * The server never sees the JavaScript value, only Python's reading of its JSON text. So the result
 * is that for `JSON.parse(JSON.stringify(value))` in Python: `-0` is `0`, whole numbers below 1e21
 * are integers however they were written in the source, properties that JSON drops are dropped, and
 * `NaN` is `null`.
 *
 * @module
 */

import { PythonNumber } from "./python_number.ts";

/** A value that `JSON.parse` can return. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  /** Any key. */
  [key: string]: JsonValue;
}

/**
 * Returns the text of Python's `json.dumps(value, sort_keys=True)` for the value that the server
 * reads from `JSON.stringify(value)`. Pure ASCII.
 *
 * Meant for JSON values. Values that only `JSON.stringify` can convert (`toJSON`, boxed primitives)
 * give the text of the converted value.
 *
 * @throws `TypeError` or `RangeError` where `JSON.stringify` does (BigInt, cycles) and for values
 * nested deeper than the stack allows (several thousand levels).
 *
 * @example
 * ```ts
 * const text = pythonJson({ b: 1e-7, a: "é" });
 * if (text !== '{"a": "\\u00e9", "b": 1e-07}') throw new Error(text);
 * ```
 */
export function pythonJson(value: unknown): string {
  switch (typeof value) {
    case "string":
      return pythonString(value);
    case "number":
      return pythonNumber(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return pythonArray(value);
      if (value instanceof PythonNumber) return value.text;
      return isPlain(value) ? pythonObject(value as Record<string, unknown>) : viaJson(value);
    case "bigint":
      return viaJson(value);
    default:
      return "null";
  }
}

/** Returns whether JSON encodes only the value's own properties. */
function isPlain(value: object): boolean {
  const proto = Object.getPrototypeOf(value);
  return (proto === Object.prototype || proto === null) &&
    typeof (value as { toJSON?: unknown }).toJSON !== "function";
}

function viaJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? "null" : pythonJson(JSON.parse(text));
}

function pythonArray(items: readonly unknown[]): string {
  if (items.length === 0) return "[]";
  let text = "[" + pythonJson(items[0]);
  for (let i = 1; i < items.length; i++) text += ", " + pythonJson(items[i]);
  return text + "]";
}

function pythonObject(object: Record<string, unknown>): string {
  const keys = Object.keys(object);
  if (keys.length > 1) sortByCodePoint(keys);
  let text = "";
  for (const key of keys) {
    const value = object[key];
    if (isDropped(value)) continue;
    text += (text === "" ? "{" : ", ") + pythonString(key) + ": " + pythonJson(value);
  }
  return text === "" ? "{}" : text + "}";
}

/** Returns whether `JSON.stringify` drops a property with this value. */
function isDropped(value: unknown): boolean {
  if (value === undefined || typeof value === "symbol" || typeof value === "function") return true;
  return typeof value === "object" && value !== null &&
    typeof (value as { toJSON?: unknown }).toJSON === "function" &&
    JSON.stringify(value) === undefined;
}

const NEEDS_ESCAPE = /[^ !#-\[\]-~]/;
/** Characters that Python escapes and `JSON.stringify` does not. */
const NOT_ASCII = /[\x7f-\uffff]/g;

function pythonString(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return '"' + text + '"';
  return JSON.stringify(text).replace(NOT_ASCII, escapeUnit);
}

function escapeUnit(unit: string): string {
  return "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0");
}

/** Returns Python's `repr` of the float or integer that it reads from JavaScript's digits. */
function pythonNumber(value: number): string {
  if (!Number.isFinite(value)) return "null";
  const text = String(value);
  // Only here do they differ: JavaScript uses exponents below 1e-6, Python below 1e-4.
  if (value === 0 || Math.abs(value) >= 1e-4) return text;
  const [mantissa, exponent] = value.toExponential().split("e-");
  return mantissa + "e-" + exponent.padStart(2, "0");
}

const SURROGATE = /[\ud800-\udfff]/;

/** Sorts in place by code points, as Python does; the built-in sort compares UTF-16 units. */
function sortByCodePoint(keys: string[]): void {
  if (keys.some((key) => SURROGATE.test(key))) keys.sort(compareCodePoints);
  else keys.sort();
}

function compareCodePoints(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue;
    // The preceding unit, which both share, may be half of a pair in one text and unpaired in the
    // other.
    const from = i > 0 && isHighSurrogate(a.charCodeAt(i - 1)) ? i - 1 : i;
    return a.codePointAt(from)! - b.codePointAt(from)! || a.codePointAt(i)! - b.codePointAt(i)!;
  }
  return a.length - b.length;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
