/**
 * The careful way to a value's JSON text: one walk that reads every property once and expects each
 * step to fail. The table of `values.ts` is its contract.
 *
 * @module
 */

import { errorText, standIn } from "./replacements.ts";

/**
 * Takes the place of values that the caller knows, such as saved objects: called, perhaps more
 * than once, for every object and function from the outside in; returns `undefined` to leave it.
 * What it returns is not offered again itself, but what is inside of that is.
 */
export type Substitute = (value: object) => unknown;

/** Objects that may be written again; after them a graph with shared parts stops growing. */
const MAX_REPEATS = 100_000;
/** Objects of one value; a getter can invent them without end. */
const MAX_OBJECTS = 500_000;
/** Slots above which an array is looked at for gaps: `a[4e9] = 1` must not cost 4e9 steps. */
export const MAX_SLOTS = 1_000_000;

const CIRCULAR = '"[Circular]"';
const REPEATED = '"[Repeated]"';
const TRUNCATED = '"[Truncated]"';

interface Walk {
  readonly substitute: Substitute | undefined;
  /** Objects that the walk is inside of. */
  readonly path: Set<object>;
  readonly seen: Set<object>;
  repeats: number;
}

/**
 * The JSON text of any value. Never throws.
 *
 * @param depth Levels of nesting to keep.
 */
export function writeValue(value: unknown, depth: number, substitute?: Substitute): string {
  const walk: Walk = { substitute, path: new Set(), seen: new Set(), repeats: 0 };
  try {
    return write(walk, value, depth) ?? "null";
  } catch (error) {
    return JSON.stringify(errorText(error));
  }
}

/** `undefined` for what JSON leaves out. */
function write(walk: Walk, value: unknown, depth: number): string | undefined {
  if (typeof value === "string" || typeof value === "number") return JSON.stringify(value);
  if (isObject(value)) return writeGuarded(walk, value, depth);
  if (typeof value === "bigint") return '"' + value + '"';
  if (typeof value === "symbol") return JSON.stringify(String(value));
  return value === undefined ? undefined : String(value);
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function writeGuarded(walk: Walk, value: object, depth: number): string | undefined {
  if (walk.path.has(value)) return CIRCULAR;
  if (walk.seen.has(value)) {
    if (++walk.repeats > MAX_REPEATS) return REPEATED;
  } else if (walk.seen.size >= MAX_OBJECTS) return TRUNCATED;
  walk.seen.add(value);
  walk.path.add(value);
  try {
    return writeObject(walk, value, depth);
  } catch (error) {
    return JSON.stringify(errorText(error));
  } finally {
    walk.path.delete(value);
  }
}

function writeObject(walk: Walk, value: object, depth: number): string | undefined {
  let chosen: unknown = walk.substitute?.(value);
  if (chosen === undefined) chosen = standIn(value);
  else if (isObject(chosen)) chosen = standIn(chosen);
  // What toJSON returned may again be a function.
  if (typeof chosen === "function") chosen = standIn(chosen);
  if (!isObject(chosen)) return write(walk, chosen, depth);
  if (depth === 0) return TRUNCATED;
  return Array.isArray(chosen)
    ? writeArray(walk, chosen, depth - 1)
    : writeProperties(walk, chosen, depth - 1);
}

function writeArray(walk: Walk, items: unknown[], depth: number): string {
  const length = items.length;
  if (length > MAX_SLOTS && Object.keys(items).length < length / 2) {
    return writeProperties(walk, items, depth);
  }
  let text = "[";
  for (let i = 0; i < length; i++) {
    if (i > 0) text += ",";
    text += writeMember(walk, items, i, depth) ?? "null";
  }
  return text + "]";
}

function writeProperties(walk: Walk, object: object, depth: number): string {
  let text = "{";
  for (const key of Object.keys(object)) {
    const member = writeMember(walk, object, key, depth);
    if (member === undefined) continue;
    text += (text === "{" ? "" : ",") + JSON.stringify(key) + ":" + member;
  }
  return text + "}";
}

function writeMember(
  walk: Walk,
  object: object,
  key: string | number,
  depth: number,
): string | undefined {
  let value: unknown;
  try {
    value = (object as Record<string | number, unknown>)[key];
  } catch (error) {
    return JSON.stringify(errorText(error));
  }
  return write(walk, value, depth);
}
