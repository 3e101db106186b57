/**
 * The JSON text of whatever user code hands over: never throws, loses as little as JSON allows.
 *
 * | Value | In the record |
 * |---|---|
 * | string, finite number, boolean, `null`, array, plain object | as `JSON.stringify` writes it |
 * | `NaN`, `Infinity`, `-Infinity` | `null`, as in JSON and in the official SDK |
 * | `undefined`: as a property, in an array, alone | left out, `null`, `null` |
 * | lone surrogate in a string | escaped (`\ud800`) |
 * | BigInt | its decimal digits as a string |
 * | function, class | `"<function name>"` |
 * | symbol; property named by a symbol | `"Symbol(description)"`; left out |
 * | `Date` | ISO 8601 string; `null` when invalid |
 * | `Map` | object when all keys are strings, else array of `[key, value]` |
 * | `Set` | array |
 * | typed array, `DataView`, `ArrayBuffer`, `Buffer` | `{"_type":"Uint8Array","base64":"…"}` with the name of its type; bytes as they are in memory |
 * | `Error` | object of `name`, `message`, `stack`, and of `code`, `cause`, `errors` where it has them |
 * | `RegExp`, `URL`, `URLSearchParams` | its text |
 * | Number, String, Boolean, BigInt or Symbol object | what is inside |
 * | any other object with `toJSON` | what that returns |
 * | class instance | its own enumerable properties, without the name of its class (as in the official SDK) |
 * | `Headers`, `FormData` | `"<Headers: names>"`: the values may be secret |
 * | `Request`, `Response`, `Blob`, `File` | `"<Request: method>"`, `"<Response: status>"`, `"<Blob: size bytes, type>"` |
 * | promise, web stream, generator, `WeakMap`, … | `"<Promise>"` and so on; nothing is read from them |
 * | stream of Node | `"<Readable>"` with the name of its class |
 * | object inside itself | `"[Circular]"`, as in the official SDK |
 * | what is nested deeper than {@linkcode MAX_DEPTH} levels | `"[Truncated]"` |
 * | object that occurs again after 100,000 repetitions or more | `"[Repeated]"` |
 * | object after half a million others | `"[Truncated]"` |
 * | array of over a million slots, most of them never set | object of the slots that are set |
 * | getter, `toJSON` or proxy that throws; text too long for the host | `"<error: message>"` |
 *
 * @module
 */

import { MAX_SLOTS, type Substitute, writeValue } from "./safe_stringify.ts";

export type { Substitute } from "./safe_stringify.ts";

/**
 * Levels of nesting that are kept. The server refuses requests of more than 200 levels
 * (`_MAX_STRUCTURE_DEPTH` in the Python SDK's `trace_server_converter.py`, shared with it); the
 * rest is room for the batch and the request around a value.
 */
export const MAX_DEPTH = 180;

/** Objects that the check looks at before it leaves a value to the careful writer. */
const CHECKED_OBJECTS = 500_000;

/**
 * The JSON text of any value, on one line. Never throws. The table of this module says how it
 * writes what JSON cannot hold.
 *
 * @param value Anything.
 * @param substitute Replaces values on the way, such as saved objects by their refs.
 *
 * @example
 * ```ts
 * const text = toJsonText({ id: 10n, at: new Date(0), tags: new Set(["a"]) });
 * if (text !== '{"id":"10","at":"1970-01-01T00:00:00.000Z","tags":["a"]}') throw new Error(text);
 * ```
 */
export function toJsonText(value: unknown, substitute?: Substitute): string {
  try {
    objectsLeft = CHECKED_OBJECTS;
    if (isPlainJson(value, MAX_DEPTH, substitute)) return JSON.stringify(value) ?? "null";
  } catch {
    // Some getter or proxy; the careful writer goes on around it.
  }
  return writeValue(value, MAX_DEPTH, substitute);
}

let objectsLeft = 0;

/** Whether `JSON.stringify` writes this value as the table says, at a cost that is bounded. */
function isPlainJson(value: unknown, depth: number, substitute?: Substitute): boolean {
  if (typeof value !== "object") {
    return typeof value !== "function" && typeof value !== "bigint" && typeof value !== "symbol";
  }
  if (value === null) return true;
  if (depth === 0 || --objectsLeft < 0) return false;
  if (substitute !== undefined && substitute(value) !== undefined) return false;
  if (Array.isArray(value)) return isPlainArray(value, depth - 1, substitute);
  const proto = Object.getPrototypeOf(value);
  if (proto !== Object.prototype && proto !== null) return false;
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === "string" || typeof item === "number") continue;
    if (!isPlainJson(item, depth - 1, substitute)) return false;
  }
  return true;
}

function isPlainArray(items: unknown[], depth: number, substitute?: Substitute): boolean {
  if (items.length > MAX_SLOTS && Object.keys(items).length < items.length) return false;
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (typeof item === "string" || typeof item === "number") continue;
    if (!isPlainJson(item, depth, substitute)) return false;
  }
  return true;
}
