/**
 * Merges the deltas of a streamed message.
 *
 * @module
 */

import { MAX_CALL_VALUE_CHARS } from "../../protocol/json/size_limits.ts";

/** A JSON object. */
export type Json = Record<string, unknown>;

/** Keys whose text is always complete; some providers repeat it in every chunk. */
const WHOLE: ReadonlySet<string> = new Set(["id", "type", "role", "name", "object"]);

/**
 * Adds `delta` to `target`, without sharing objects: text is appended, lists are merged by the
 * `index` of their items, objects key by key; anything else replaces the previous value.
 */
export function mergeDelta(target: Json, delta: Json): void {
  for (const [key, value] of Object.entries(delta)) {
    const own = target[key];
    if (value === undefined || value === null) continue;
    if (typeof value === "string") {
      if (typeof own !== "string" || own === "") setOwn(target, key, value);
      else if (!WHOLE.has(key)) setOwn(target, key, appendText(own, value));
      else if (value !== "") setOwn(target, key, value);
    } else if (Array.isArray(value)) {
      const list = Array.isArray(own) ? own : [];
      if (list !== own) setOwn(target, key, list);
      for (const item of value) mergeItem(list, item);
    } else if (isObject(value) && isObject(own)) mergeDelta(own, value);
    else setOwn(target, key, clone(value));
  }
}

function mergeItem(list: unknown[], item: unknown): void {
  const index = isObject(item) ? item.index : undefined;
  const known = index === undefined
    ? undefined
    : list.find((other) => isObject(other) && other.index === index);
  if (isObject(item) && isObject(known)) mergeDelta(known, item);
  else list.push(clone(item));
}

/** Appends text, up to the length that a call keeps. */
export function appendText(text: unknown, more: string): string {
  const before = typeof text === "string" ? text : "";
  return before.length > MAX_CALL_VALUE_CHARS ? before : before + more;
}

/** Returns whether a JSON value is an object. */
export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Copies a JSON value, since the program may change its own. */
export function clone<T>(value: T): T {
  return typeof value === "object" && value !== null ? structuredClone(value) : value;
}

/** Sets a property, even one named `__proto__`. */
function setOwn(target: Json, key: string, value: unknown): void {
  if (key !== "__proto__") target[key] = value;
}
