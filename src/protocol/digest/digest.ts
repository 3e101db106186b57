/**
 * Computes digests as the Weave server does, so that refs exist before it responds.
 *
 * Rules: the Python SDK's `weave/trace/serialization/digest.py`, shared with the server, and its
 * `trace_server_converter.py`. Before hashing, the server replaces `weave:///entity/project/` at
 * the start of every string with `weave-trace-internal:///<internal project id>/`. Newer servers
 * also do this in strings that are JSON texts themselves; older ones do not, so a client cannot
 * know the digest of a value with such a ref.
 *
 * @module
 */

import { toHex } from "./hex.ts";
import { holdsProvisional } from "./provisional.ts";
import { pythonJson } from "./python_json.ts";
import { sha256 } from "./sha256.ts";

/** Returns the internal ID of `"entity/project"`, or `undefined` if it is unknown. */
export type InternalProjectId = (project: string) => string | undefined;

const EXTERNAL = "weave:///";
const INTERNAL = "weave-trace-internal:///";
/**
 * Base64url with `X` and `Y` instead of `-` and `_`, as in Weave: two pairs of digits share a
 * character.
 */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789XY";

const encoder = new TextEncoder();

/** Returns the SHA-256 of `bytes` in Weave's text form, 43 letters and digits. */
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
 * Returns the digest of an object's value (`obj.val`) without refs; for other values, see
 * {@linkcode serverDigest}.
 *
 * Not for requests with `builtin_object_class`: the server rewrites such values first.
 *
 * @throws The errors of `JSON.stringify`; pass `JSON.parse(toJsonText(value))` for values of users.
 */
export function objectDigest(value: unknown): string {
  return bytesDigest(encoder.encode(pythonJson(value)));
}

/** Returns the digest of a table row without refs; the same rule as for an object. */
export function rowDigest(row: unknown): string {
  return objectDigest(row);
}

/**
 * Returns the digest of a table, from the digests of its rows in order: SHA-256 in 64 hex digits.
 */
export function tableDigest(rowDigests: readonly string[]): string {
  return toHex(sha256(encoder.encode(rowDigests.join(""))));
}

/** Returns the digest of a file's content; text is encoded as UTF-8. */
export function fileDigest(content: Uint8Array | string): string {
  return bytesDigest(typeof content === "string" ? encoder.encode(content) : content);
}

/**
 * Returns whether the server may rewrite a string of `value` before hashing, so that {@linkcode
 * objectDigest} of the unchanged value would be wrong. Refs in the middle of other text and refs in
 * keys do not count.
 */
export function containsWeaveRef(value: unknown): boolean {
  if (typeof value === "string") return isRef(value) || holdsEmbeddedRef(value);
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some(containsWeaveRef);
}

/**
 * Returns the digest that the server will compute for an object's value or a row that may contain
 * refs.
 *
 * @param value A JSON value.
 * @param internalProjectId Looks up internal project IDs; omit it if none is known.
 * @returns `undefined` if the digest cannot be known: a project's internal ID is unknown, or a ref
 * has no project, is already internal, contains a provisional digest, or is in a string that is a
 * JSON text.
 * @throws The errors of `JSON.stringify`, see {@linkcode objectDigest}.
 */
export function serverDigest(
  value: unknown,
  internalProjectId: InternalProjectId = () => undefined,
): string | undefined {
  const converted = withInternalIds(value, internalProjectId);
  return converted === NOT_COMPUTABLE ? undefined : objectDigest(converted);
}

const NOT_COMPUTABLE: unique symbol = Symbol("not computable");

/** Returns a copy with internal refs; parts without refs are shared with the original. */
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
  // Without a prototype, a key `__proto__` can be set like any other.
  return Object.assign(Object.create(null), value);
}

function internalRef(text: string, lookUp: InternalProjectId): string | typeof NOT_COMPUTABLE {
  // Provisional digests are replaced before sending.
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

/** Start of a JSON text that can contain a string: a string, an array or an object. */
const JSON_TEXT_START = /^[ \t\r\n]*["[{]/;
/** Python accepts these in JSON, JavaScript does not. */
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
