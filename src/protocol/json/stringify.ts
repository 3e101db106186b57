/**
 * Converts any value of a program to JSON text. Never throws, loses as little as JSON allows, has
 * bounded cost, and of the program's code runs only `toJSON` methods.
 *
 * | Value | In the record |
 * |---|---|
 * | string, finite number, boolean, `null`, array, plain object | as `JSON.stringify` writes it |
 * | `NaN`, `Infinity`, `-Infinity` | `null`, as in JSON and in the official SDK |
 * | `undefined`: as a property, in an array, itself | left out, `null`, `null` |
 * | lone surrogate in a string or a key | U+FFFD, as in Python's `errors="replace"` |
 * | property with a getter | `"<getter>"`; it is not run |
 * | `Proxy` | `"<Proxy>"`; no trap is run (`"<error: message>"` when it is revoked). To record its content, pass a copy: `{ ...proxy }` |
 * | BigInt | its decimal digits as a string; `"<bigint of more than 65536 bits>"` |
 * | function, class | `"<function name>"` |
 * | symbol; property named by a symbol | `"Symbol(description)"`; left out |
 * | `Date` | ISO 8601 string; `null` when invalid |
 * | `Map` | object when all keys are strings, else array of `[key, value]` |
 * | `Set` | array |
 * | typed array, `DataView`, `ArrayBuffer`, `Buffer` | `{"_type":"Uint8Array","base64":"…"}` with the name of its type; bytes as they are in memory |
 * | `Error` | object of `name`, `message`, `stack`, and of `code`, `cause`, `errors` where it has them |
 * | `RegExp`, `URL`, `URLSearchParams` | its text |
 * | Number, String, Boolean, BigInt or Symbol object | what is inside |
 * | any other object with a `toJSON` method | what that returns |
 * | class instance | its own enumerable properties, without the name of its class (as in the official SDK) |
 * | `Headers`, `FormData` | `"<Headers: names>"`: the values may be secret |
 * | `Request`, `Response`, `Blob`, `File` | `"<Request: method>"`, `"<Response: status>"`, `"<Blob: size bytes, type>"` |
 * | promise, object with a `then` method, web stream, generator, `WeakMap`, … | `"<Promise>"` and so on; nothing is read from them |
 * | stream of Node | `"<Readable>"` with the name of its class |
 * | property `__savedRef` that is a promise | left out: the official SDK keeps a ref there |
 * | object inside itself | `"[Circular]"`, as in the official SDK |
 * | object nested deeper than {@linkcode MAX_DEPTH} levels | `"[Truncated]"` |
 * | object that occurs again after 100,000 repetitions or more | `"[Repeated]"` |
 * | object after half a million others | `"[Truncated]"` |
 * | array of over a million slots, most of them never set | object of the slots that are set |
 * | binary data whose base64 is over the limit | `{"_type":"Uint8Array","bytes":…,"sample_digest":"…","omitted":"over the size limit"}`; the digest is of the first and the last 32 KiB |
 * | string over the limit | `{"_type":"string","length":…,"omitted":"over the size limit"}`, in UTF-16 units |
 * | items and properties after the limit | `"[Truncated]"` once, in place of all |
 * | `toJSON` that throws | `"<error: message>"` |
 * | what is to be redacted | `"[REDACTED]"`, see `src/protocol/redaction/` |
 *
 * The limit is what remains of the characters for the whole value: 30 Mi, which fit into a request;
 * 8 Mi each for the inputs and the output of a traced call, of which the server keeps 3.5 MiB.
 *
 * @module
 */

import { hasGetter, isProxy } from "./object_facts.ts";
import type { RedactionRules } from "../redaction/redaction_rules.ts";
import { isSecretPair, isValueKey } from "../redaction/secret_pairs.ts";
import { isSparse, type Substitute, writeValue } from "./safe_stringify.ts";
import { MAX_VALUE_CHARS, NUMBER_CHARS } from "./size_limits.ts";
import { isWellFormed } from "./well_formed.ts";

export type { Substitute } from "./safe_stringify.ts";

/**
 * Levels of nesting to keep. The server rejects requests with more than 200 levels
 * (`_MAX_STRUCTURE_DEPTH` in the Python SDK's `trace_server_converter.py`, shared with it); the
 * difference is room for the batch and the request around a value.
 */
export const MAX_DEPTH = 180;

/** Number of objects to check before falling back to {@linkcode writeValue}. */
const CHECKED_OBJECTS = 500_000;

/**
 * Returns the JSON text of any value, on one line and well-formed. Never throws. The table of this
 * module shows how values are encoded that JSON cannot represent.
 *
 * @param value Anything.
 * @param substitute Replaces values, such as saved objects with their refs.
 * @param maxChars Maximum characters of the text; longer strings and binary data are described.
 * @param redaction What to redact.
 *
 * @example
 * ```ts
 * const text = toJsonText({ id: 10n, at: new Date(0), tags: new Set(["a"]) });
 * if (text !== '{"id":"10","at":"1970-01-01T00:00:00.000Z","tags":["a"]}') throw new Error(text);
 * ```
 */
export function toJsonText(
  value: unknown,
  substitute?: Substitute,
  maxChars: number = MAX_VALUE_CHARS,
  redaction?: RedactionRules,
): string {
  return isPlain(value, substitute, maxChars, redaction)
    ? JSON.stringify(value) ?? "null"
    : writeValue(value, MAX_DEPTH, maxChars, substitute, redaction);
}

/**
 * Returns whether a value is plain JSON data: without getters, proxies and cycles, of bounded size,
 * and with nothing to redact.
 */
export function isPlainData(
  value: unknown,
  redaction?: RedactionRules,
  maxChars: number = MAX_VALUE_CHARS,
): boolean {
  return isPlain(value, undefined, maxChars, redaction);
}

/**
 * Remaining budget of the check. Shared module variables, because every traced call pays for the
 * check.
 */
let objectsLeft = 0;
let charsLeft = 0;
let rules: RedactionRules | undefined;

/**
 * Returns whether `JSON.stringify` encodes this value as the table specifies, without running code
 * of the program, within the limit and with nothing to redact.
 */
function isPlain(
  value: unknown,
  substitute: Substitute | undefined,
  maxChars: number,
  redaction?: RedactionRules,
): boolean {
  // A substitute may encode other values in between.
  const objects = objectsLeft;
  const chars = charsLeft;
  const before = rules;
  rules = redaction;
  objectsLeft = CHECKED_OBJECTS;
  charsLeft = maxChars;
  try {
    return isPlainValue(value, MAX_DEPTH, substitute);
  } catch {
    // The substitute threw; its message is recorded.
    return false;
  } finally {
    objectsLeft = objects;
    charsLeft = chars;
    rules = before;
  }
}

function isPlainValue(value: unknown, depth: number, substitute?: Substitute): boolean {
  switch (typeof value) {
    case "string":
      return isPlainText(value);
    case "object":
      return value === null || isPlainObject(value, depth, substitute);
    case "number":
      if (rules?.inspectsNumbers && !isPlainText(String(value))) return false;
      return (charsLeft -= NUMBER_CHARS) >= 0;
    case "boolean":
    case "undefined":
      return (charsLeft -= NUMBER_CHARS) >= 0;
    default:
      return false;
  }
}

/**
 * Checks the length first: engines store long strings in pieces, and reading one character joins
 * them.
 */
function isPlainText(text: string): boolean {
  return (charsLeft -= text.length) >= 0 && isWellFormed(text) &&
    (rules === undefined || rules.redactText(text) === text);
}

function isPlainObject(value: object, depth: number, substitute?: Substitute): boolean {
  if (depth === 0 || --objectsLeft < 0 || isProxy(value)) return false;
  if (substitute !== undefined && substitute(value) !== undefined) return false;
  const proto = Object.getPrototypeOf(value);
  if (proto !== Object.prototype && proto !== Array.prototype && proto !== null) return false;
  // JSON.stringify would call it, even if it is not enumerable.
  if ("toJSON" in value) return false;
  if (Array.isArray(value)) return isPlainArray(value, depth - 1, substitute);
  for (const key in value) {
    if (hasGetter(value, key) || !isPlainProperty(value, key)) return false;
    if (!isPlainValue((value as Record<string, unknown>)[key], depth - 1, substitute)) return false;
  }
  return true;
}

function isPlainProperty(object: object, key: string): boolean {
  if (rules === undefined) return isPlainText(key);
  if ((charsLeft -= key.length) < 0 || !rules.keepsProperty(key)) return false;
  return !isValueKey(key) || !isSecretPair(object, rules);
}

function isPlainArray(items: unknown[], depth: number, substitute?: Substitute): boolean {
  if (items.length * NUMBER_CHARS > charsLeft || isSparse(items)) return false;
  if (rules !== undefined && items.length === 2 && isSecretPair(items, rules)) return false;
  for (let i = 0; i < items.length; i++) {
    if (hasGetter(items, i) || !isPlainValue(items[i], depth, substitute)) return false;
  }
  return true;
}
