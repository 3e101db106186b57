/**
 * Encodes any value, one property at a time. Used where `JSON.stringify` would throw, run code of
 * the program or cost too much. The table in `stringify.ts` specifies the result.
 *
 * @module
 */

import { describeProxy, GETTER, hasGetter, isPromise, isProxy } from "./object_facts.ts";
import { errorText, toJsonValue } from "./replacements.ts";
import { bigintText, describeText, NUMBER_CHARS } from "./size_limits.ts";
import { jsonString } from "./well_formed.ts";
import type { RedactionRules } from "../redaction/redaction_rules.ts";
import { isSecretPair, isSecretValue, isValueKey } from "../redaction/secret_pairs.ts";
import { REDACTED } from "../redaction/secret_text.ts";

/**
 * Replaces values that the caller knows, such as saved objects. Called, possibly more than once,
 * for every object and function except proxies, outermost first. Returns `undefined` to keep the
 * value.
 *
 * It is not called for its own result, but for the values inside it.
 */
export type Substitute = (value: object) => unknown;

/** Maximum number of repeated objects to encode; it bounds graphs with shared parts. */
const MAX_REPEATS = 100_000;
/** Maximum number of objects in one value; `toJSON` can create them without end. */
const MAX_OBJECTS = 500_000;
/**
 * Number of slots above which an array is checked for gaps: `a[4e9] = 1` must not take 4e9 steps.
 */
const MAX_SLOTS = 1_000_000;
/** Number of slots to sample when checking whether an array is mostly gaps. */
const SAMPLED_SLOTS = 1024;

/** Length of a string up to which a description would not be shorter. */
const SHORT_TEXT = 64;

const CIRCULAR = '"[Circular]"';
const REPEATED = '"[Repeated]"';
const TRUNCATED = '"[Truncated]"';
const REDACTED_TEXT = JSON.stringify(REDACTED);

interface Walk {
  readonly substitute: Substitute | undefined;
  readonly redaction: RedactionRules | undefined;
  /** Objects that contain the current value. */
  readonly path: Set<object>;
  readonly seen: Set<object>;
  repeats: number;
  /** Characters left for the rest of the value. */
  chars: number;
}

/**
 * Returns the JSON text of any value. Never throws.
 *
 * @param depth Levels of nesting to keep.
 * @param maxChars Maximum characters of the text; placeholders may add a few.
 */
export function writeValue(
  value: unknown,
  depth: number,
  maxChars: number,
  substitute?: Substitute,
  redaction?: RedactionRules,
): string {
  const walk: Walk = {
    substitute,
    redaction,
    path: new Set(),
    seen: new Set(),
    repeats: 0,
    chars: maxChars,
  };
  try {
    return write(walk, value, depth) ?? "null";
  } catch (error) {
    return writeText(walk, errorText(error));
  }
}

/** Returns `undefined` for values that JSON drops. */
function write(walk: Walk, value: unknown, depth: number): string | undefined {
  if (typeof value === "string") return writeText(walk, value);
  if (isObject(value)) return writeGuarded(walk, value, depth);
  if (typeof value === "symbol") return writeText(walk, String(value));
  if (value === undefined) return undefined;
  if (typeof value === "bigint") return writeText(walk, bigintText(value));
  walk.chars -= NUMBER_CHARS;
  const isNumber = typeof value === "number" && walk.redaction?.inspectsNumbers;
  const isSecret = isNumber && walk.redaction.redactText(String(value)) !== String(value);
  return isSecret ? REDACTED_TEXT : JSON.stringify(value);
}

function writeText(walk: Walk, text: string): string {
  const fits = text.length <= walk.chars || text.length <= SHORT_TEXT;
  const json = fits
    ? jsonString(walk.redaction === undefined ? text : walk.redaction.redactText(text))
    : describeText(text);
  walk.chars -= json.length;
  return json;
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function writeGuarded(walk: Walk, value: object, depth: number): string | undefined {
  if (isProxy(value)) return writeText(walk, describeProxy(value));
  if (walk.path.has(value)) return CIRCULAR;
  if (walk.seen.has(value)) {
    if (++walk.repeats > MAX_REPEATS) return REPEATED;
  } else if (walk.seen.size >= MAX_OBJECTS) return TRUNCATED;
  walk.seen.add(value);
  walk.path.add(value);
  try {
    return writeObject(walk, value, depth);
  } catch (error) {
    return writeText(walk, errorText(error));
  } finally {
    walk.path.delete(value);
  }
}

function writeObject(walk: Walk, value: object, depth: number): string | undefined {
  let chosen: unknown = walk.substitute?.(value);
  if (chosen === undefined) chosen = toJsonValue(value, walk.chars);
  else if (isObject(chosen) && !isProxy(chosen)) chosen = toJsonValue(chosen, walk.chars);
  if (isProxy(chosen)) return writeText(walk, describeProxy(chosen));
  // The result of toJSON may be a function.
  if (typeof chosen === "function") chosen = toJsonValue(chosen, walk.chars);
  if (!isObject(chosen)) return write(walk, chosen, depth);
  if (depth === 0) return TRUNCATED;
  walk.chars -= 2;
  return Array.isArray(chosen)
    ? writeArray(walk, chosen, depth - 1)
    : writeProperties(walk, chosen, depth - 1);
}

function writeArray(walk: Walk, items: unknown[], depth: number): string {
  if (isSparse(items)) return writeProperties(walk, items, depth);
  const { length } = items;
  // Gaps are read from the prototypes, which may run code for an array subclass.
  const isOrdinary = Object.getPrototypeOf(items) === Array.prototype;
  const isRedacted = walk.redaction !== undefined && isSecretPair(items, walk.redaction);
  let text = "[";
  for (let i = 0; i < length; i++) {
    if (i > 0) text += ",";
    if (walk.chars-- <= 0) return text + TRUNCATED + "]";
    const member = isRedacted && i === 1
      ? REDACTED_TEXT
      : isOrdinary || Object.hasOwn(items, i)
      ? writeMember(walk, items, i, depth)
      : undefined;
    text += member ?? "null";
  }
  return text + "]";
}

/** Returns whether an array is so long and so sparse that only its set slots are encoded. */
export function isSparse(items: readonly unknown[]): boolean {
  if (items.length <= MAX_SLOTS) return false;
  let filled = 0;
  for (let i = 0; i < SAMPLED_SLOTS; i++) {
    if (Object.hasOwn(items, Math.floor(i * items.length / SAMPLED_SLOTS))) filled++;
  }
  return filled < SAMPLED_SLOTS / 2;
}

function writeProperties(walk: Walk, object: object, depth: number): string {
  const { redaction } = walk;
  const isRedacted = redaction !== undefined && isSecretPair(object, redaction);
  let text = "{";
  for (const key of Object.keys(object)) {
    const separator = text === "{" ? "" : ",";
    if (walk.chars <= 0 || key.length > Math.max(walk.chars, SHORT_TEXT)) {
      return text + separator + '"[Truncated]":true}';
    }
    const name = jsonString(redaction === undefined ? key : redaction.redactText(key));
    walk.chars -= name.length + 2;
    const isSecret = redaction !== undefined &&
      (isRedacted && isValueKey(key) || redaction.redactsKey(key));
    const member = isSecret && !hasGetter(object, key) &&
        isSecretValue(key, (object as Record<string, unknown>)[key])
      ? REDACTED_TEXT
      : writeMember(walk, object, key, depth);
    if (member !== undefined) text += separator + name + ":" + member;
  }
  return text + "}";
}

function writeMember(
  walk: Walk,
  object: object,
  key: string | number,
  depth: number,
): string | undefined {
  if (hasGetter(object, key)) return writeText(walk, GETTER);
  const value = (object as Record<string | number, unknown>)[key];
  // The official SDK keeps a pending ref here.
  if (key === "__savedRef" && isPromise(value)) return undefined;
  return write(walk, value, depth);
}
