/**
 * Digests as the Weave server computes them, so that refs exist before it answers.
 *
 * Rules: the Python SDK's `weave/trace/serialization/digest.py`, which the server shares, and its
 * `trace_server_converter.py`: before it hashes, the server replaces `weave:///entity/project/` at
 * the start of every string by `weave-trace-internal:///<internal project id>/`. A newer server
 * also looks into strings that are themselves JSON texts; an older one does not, so a value with a
 * ref in there has no digest that a client can know.
 *
 * @module
 */

import { holdsProvisional } from "./provisional.ts";
import { pythonJson } from "./python_json.ts";
import { sha256 } from "./sha256.ts";

/** Gives the internal id of `"entity/project"`, or `undefined` where it is not known. */
export type InternalProjectId = (project: string) => string | undefined;

const EXTERNAL = "weave:///";
const INTERNAL = "weave-trace-internal:///";
/** Base64url whose `-` and `_` are `X` and `Y`: two pairs of digits share a character, as in Weave. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789XY";

const encoder = new TextEncoder();

/** SHA-256 of `bytes` in Weave's text form, 43 letters and digits. */
export function bytesDigest(bytes: Uint8Array): string {
  const hash = sha256(bytes);
  let text = "";
  for (let i = 0; i < 30; i += 3) {
    const group = (hash[i] << 16) | (hash[i + 1] << 8) | hash[i + 2];
    text += ALPHABET[group >> 18] + ALPHABET[(group >> 12) & 63] + ALPHABET[(group >> 6) & 63] +
      ALPHABET[group & 63];
  }
  const last = (hash[30] << 8) | hash[31];
  return text + ALPHABET[last >> 10] + ALPHABET[(last >> 4) & 63] + ALPHABET[(last << 2) & 63];
}

/**
 * Digest of an object's value (`obj.val`) that holds no refs; for any other value, see
 * {@linkcode serverDigest}. Never for a request with `builtin_object_class`: the server rewrites
 * such a value first.
 *
 * @throws What `JSON.stringify` throws; give it `JSON.parse(toJsonText(value))` for values of users.
 */
export function objectDigest(value: unknown): string {
  return bytesDigest(encoder.encode(pythonJson(value)));
}

/** Digest of a table's row that holds no refs: the same rule as for an object. */
export function rowDigest(row: unknown): string {
  return objectDigest(row);
}

/** Digest of a table from the digests of its rows in order: SHA-256 in 64 hex digits. */
export function tableDigest(rowDigests: readonly string[]): string {
  let text = "";
  for (const byte of sha256(encoder.encode(rowDigests.join("")))) {
    text += byte.toString(16).padStart(2, "0");
  }
  return text;
}

/** Digest of a file's content; text counts in UTF-8. */
export function fileDigest(content: Uint8Array | string): string {
  return bytesDigest(typeof content === "string" ? encoder.encode(content) : content);
}

/**
 * Whether the server may rewrite a string of `value` before it hashes it, so that
 * {@linkcode objectDigest} of the unchanged value would be wrong. A ref in the middle of prose
 * does not count; keys never do.
 */
export function containsWeaveRef(value: unknown): boolean {
  if (typeof value === "string") return isRef(value) || holdsEmbeddedRef(value);
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some(containsWeaveRef);
}

/**
 * The digest that the server will compute for an object's value or a row that may hold refs.
 *
 * @param value A JSON value.
 * @param internalProjectId Looks up internal project ids; leave it out when none is known.
 * @returns `undefined` when it cannot be known: a project's internal id is missing, a ref has no
 * project, is internal already, carries a provisional digest, or sits in a string that is itself a
 * JSON text.
 * @throws What `JSON.stringify` throws, see {@linkcode objectDigest}.
 */
export function serverDigest(
  value: unknown,
  internalProjectId: InternalProjectId = () => undefined,
): string | undefined {
  const converted = withInternalIds(value, internalProjectId);
  return converted === NOT_COMPUTABLE ? undefined : objectDigest(converted);
}

const NOT_COMPUTABLE: unique symbol = Symbol("not computable");

/** A copy with internal refs; parts without refs are shared with the original. */
function withInternalIds(value: unknown, lookUp: InternalProjectId): unknown {
  if (typeof value === "string") return internalRef(value, lookUp);
  if (typeof value !== "object" || value === null) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [key, item] of Object.entries(value)) {
    const converted = withInternalIds(item, lookUp);
    if (converted === NOT_COMPUTABLE) return NOT_COMPUTABLE;
    if (converted === item) continue;
    copy ??= copyOf(value);
    copy[key] = converted;
  }
  return copy ?? value;
}

function copyOf(value: object): Record<string, unknown> {
  if (Array.isArray(value)) return value.slice() as unknown as Record<string, unknown>;
  // Without a prototype, so that a key `__proto__` can be set like any other.
  return Object.assign(Object.create(null), value);
}

function internalRef(text: string, lookUp: InternalProjectId): string | typeof NOT_COMPUTABLE {
  // On its way to the server another text takes the place of a provisional digest.
  if (holdsProvisional(text)) return NOT_COMPUTABLE;
  if (!isRef(text)) return holdsEmbeddedRef(text) ? NOT_COMPUTABLE : text;
  if (text.startsWith(INTERNAL)) return NOT_COMPUTABLE;
  const project = /^([^/]*\/[^/]*)\//.exec(text.slice(EXTERNAL.length))?.[1];
  const id = project === undefined ? undefined : lookUp(project);
  if (id === undefined) return NOT_COMPUTABLE;
  return INTERNAL + id + text.slice(EXTERNAL.length + project!.length);
}

function isRef(text: string): boolean {
  return text.startsWith(EXTERNAL) || text.startsWith(INTERNAL);
}

/** A JSON text that can hold a string is a string, an array or an object. */
const JSON_TEXT_START = /^[ \t\r\n]*["[{]/;
/** Python reads these as JSON too, JavaScript does not. */
const PYTHON_ONLY = /NaN|Infinity/;

function holdsEmbeddedRef(text: string): boolean {
  if (!text.includes(EXTERNAL) && !text.includes(INTERNAL)) return false;
  if (!JSON_TEXT_START.test(text)) return false;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return PYTHON_ONLY.test(text);
  }
  return containsWeaveRef(parsed);
}
