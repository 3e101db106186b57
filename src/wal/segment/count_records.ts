/**
 * Counts the records that wait in a segment.
 *
 * @module
 */

import { findNewline } from "../record/record.ts";
import type { Segment } from "./segment.ts";

const CHUNK_BYTES = 1 << 20;

/** Counts the lines of `segment` from `offset` to `end`, empty ones left out, in bounded memory. */
export async function countRecords(
  segment: Segment,
  offset: number,
  end: number = segment.end(),
): Promise<number> {
  if (offset >= end) return 0;
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, end - offset));
  let count = 0;
  let isEmpty = true;
  for (let at = offset; at < end;) {
    const read = await segment.read(at, buffer.subarray(0, Math.min(buffer.length, end - at)));
    if (read === 0) break;
    for (let from = 0; from < read;) {
      const newline = findNewline(buffer, from, read);
      if (newline === -1) {
        isEmpty = false;
        break;
      }
      if (!isEmpty || newline > from) count++;
      isEmpty = true;
      from = newline + 1;
    }
    at += read;
  }
  return count;
}
