/**
 * Returns the message of any thrown value.
 *
 * @module
 */

import {
  GETTER,
  isError,
  isProxy,
  readData,
  readMethod,
} from "../../protocol/json/object_facts.ts";
import { ignoreRejection } from "../../protocol/json/promises.ts";
import { readSafely } from "../../protocol/json/replacements.ts";
import { MAX_CALL_VALUE_CHARS } from "../../protocol/json/size_limits.ts";
import { toJsonText } from "../../protocol/json/stringify.ts";

/** Maximum characters to record of an array. */
const MAX_LIST_CHARS = 10_000;

const UNSHOWN = "An error that cannot be shown";

/**
 * Returns the message of an error, or the text of any other thrown value. Runs no getter; never
 * throws.
 */
export function describeError(error: unknown): string {
  let text: string;
  try {
    text = textOf(error);
  } catch {
    return UNSHOWN;
  }
  return text.length > MAX_CALL_VALUE_CHARS
    ? `An error message of ${text.length} characters`
    : text;
}

function textOf(error: unknown): string {
  if ((typeof error !== "object" && typeof error !== "function") || error === null) {
    return String(error);
  }
  if (isProxy(error)) return UNSHOWN;
  if (isError(error)) {
    const message = readSafely(error, "message");
    if (typeof message === "string" && message !== "" && message !== GETTER) return message;
    const name = readSafely(error, "name");
    return typeof name === "string" && name !== "" && name !== GETTER ? name : "Error";
  }
  const toString = readMethod(error, "toString");
  if (toString === undefined) return UNSHOWN;
  if (toString === Object.prototype.toString) {
    const tag = readData(error, Symbol.toStringTag);
    return `[object ${typeof tag === "string" ? tag : "Object"}]`;
  }
  if (toString === Array.prototype.toString) return toJsonText(error, undefined, MAX_LIST_CHARS);
  const text: unknown = Reflect.apply(toString, error, []);
  if (typeof text === "string") return text;
  ignoreRejection(text);
  return UNSHOWN;
}
