/**
 * Removes fields from JSON texts without changing the rest: numbers keep their notation, so digests
 * and large integers are preserved.
 * @module
 */

import { topLevelField } from "../../bytes/json_fields.ts";

/** Range of bytes, `[start, end)`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const COMMA = 44;

/**
 * Returns the range to omit in order to remove the field `name` from the object `bytes[start,
 * end)`.
 */
function fieldCut(
  bytes: Uint8Array,
  start: number,
  end: number,
  name: string,
): Range | null {
  const field = topLevelField(bytes, start, end, name);
  if (!field) return null;
  const behind = skipSpace(bytes, field.end, 1);
  if (bytes[behind] === COMMA) return { start: field.keyStart, end: behind + 1 };
  const before = skipSpace(bytes, field.keyStart - 1, -1);
  return { start: bytes[before] === COMMA ? before : field.keyStart, end: field.end };
}

/** Returns the object `bytes[start, end)` without these fields. */
export function withoutFields(
  bytes: Uint8Array,
  start: number,
  end: number,
  names: readonly string[],
): Uint8Array {
  let object: Uint8Array = bytes.subarray(start, end);
  for (const name of names) {
    const cut = fieldCut(object, 0, object.length, name);
    if (cut === null) continue;
    const shorter = new Uint8Array(object.length - (cut.end - cut.start));
    shorter.set(object.subarray(0, cut.start));
    shorter.set(object.subarray(cut.end), cut.start);
    object = shorter;
  }
  return object;
}

function skipSpace(bytes: Uint8Array, at: number, step: 1 | -1): number {
  while (bytes[at] === 32 || bytes[at] === 9 || bytes[at] === 10 || bytes[at] === 13) at += step;
  return at;
}
