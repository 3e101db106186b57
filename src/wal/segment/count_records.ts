/**
 * Counts the pending records in a segment.
 *
 * @module
 */

import { findNewline } from "../record/record.ts";
import { type LineRange, linesOutside } from "./delivered_lines.ts";

/** A source of bytes in which to count lines. */
export interface RecordSource {
  /** Reads up to `into.length` bytes at `offset`. */
  read(offset: number, into: Uint8Array): Promise<number>;
}

/** Lines that begin in a range. */
export interface LineCount {
  /** Number of lines that are complete and not empty. */
  readonly records: number;
  /** Bytes of all complete lines, newlines included. */
  readonly bytes: number;
  /** Bytes of the last line if it has no newline; 0 if it has one. */
  readonly unfinished: number;
}

const CHUNK_BYTES = 1 << 20;
/** Bytes to read beyond a short range, to find the end of its last line. */
export const LINE_BYTES = 4_096;

/**
 * Counts the lines of `source` that begin from `offset` on and end before `end`, in bounded memory.
 *
 * @param settled Lines to leave out, as sorted ranges; they are not read.
 * @param startsLine Whether `offset` is known to be the start of a line.
 */
export async function countRecords(
  source: RecordSource,
  offset: number,
  end: number,
  settled: readonly LineRange[] = [],
  startsLine = true,
): Promise<LineCount> {
  const buffer = new Uint8Array(Math.max(0, Math.min(CHUNK_BYTES, end - offset)));
  let records = 0, bytes = 0, unfinished = 0;
  for (const { from, to } of linesOutside(offset, end, settled)) {
    const isStart = from === offset && startsLine;
    // Otherwise only the byte before tells whether a line begins here.
    let at = isStart ? from : from - 1;
    let line = isStart ? from : -1;
    while (at < end && line < to) {
      const size = Math.min(buffer.length, end - at, Math.max(to - at, LINE_BYTES));
      const read = await source.read(at, buffer.subarray(0, size));
      if (read === 0) break;
      for (let position = 0; position < read && line < to;) {
        const newline = findNewline(buffer, position, read);
        if (newline === -1) break;
        const next = at + newline + 1;
        if (line !== -1) {
          bytes += next - line;
          if (next - line > 1) records++;
        }
        line = next;
        position = newline + 1;
      }
      at += read;
    }
    if (line !== -1 && line < to) unfinished = end - line;
  }
  return { records, bytes, unfinished };
}
