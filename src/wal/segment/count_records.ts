/**
 * Counts the pending records in a segment.
 *
 * @module
 */

import { findNewline } from "../record/record.ts";

/** A source of bytes in which to count lines. */
export interface RecordSource {
  /** Reads up to `into.length` bytes at `offset`. */
  read(offset: number, into: Uint8Array): Promise<number>;
}

const CHUNK_BYTES = 1 << 20;

/** Counts the nonempty lines of `source` from `offset` to `end`, in bounded memory. */
export async function countRecords(
  source: RecordSource,
  offset: number,
  end: number,
): Promise<number> {
  if (offset >= end) return 0;
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, end - offset));
  let count = 0;
  let isEmpty = true;
  for (let at = offset; at < end;) {
    const read = await source.read(at, buffer.subarray(0, Math.min(buffer.length, end - at)));
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
