/**
 * Fills a batch with the lines that a buffer holds.
 *
 * This is the loop over all records of a log. It knows nothing of where they come from, so that the
 * code that is compiled for it stays good for every segment.
 *
 * @module
 */

import { contentEnd, contentStart, readRecord, type RecordSpan, scanNewlines } from "./record.ts";
import type { DeadLetter } from "../segment/segment.ts";
import type { RecordBatch } from "./record_batch.ts";

/** Limits of a batch, and lines that are left out of it. */
export interface Fill {
  /** Position of the first line in the batch's bytes, and the end of what they hold. */
  readonly from: number;
  readonly filled: number;
  /** Bytes; a single longer record makes a batch of its own. */
  readonly maxBytes: number;
  /** Whether a record gets a batch of its own, by its type's position in `RECORD_TYPES`. */
  readonly exclusive: readonly boolean[];
  /** Byte offsets in the segment of lines that were dead-lettered before. */
  readonly deadLettered: ReadonlySet<number>;
}

const found: RecordSpan = { code: 0, start: 0, end: 0, canonical: true };

/**
 * Adds records to `batch`, which has none, until it is full, or one that comes next has to be in
 * another one.
 *
 * @returns Position in the batch's bytes of the first line that is left.
 */
export function splitRecords(batch: RecordBatch, fill: Fill): number {
  const { from, filled, maxBytes, exclusive, deadLettered } = fill;
  const { bytes, base, capacity } = batch;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const newlines = scanNewlines(bytes, filled);
  let at = from;
  while (batch.count < capacity && batch.corrupt.length < capacity) {
    const newline = newlines.next(at);
    if (newline === -1) break;
    const offset = base + at;
    const lineStart = offset === 0 ? contentStart(bytes, at) : at;
    const lineEnd = contentEnd(bytes, lineStart, newline);
    if (lineEnd > lineStart && !(deadLettered.size > 0 && deadLettered.has(offset))) {
      const span = readRecord(bytes, lineStart, lineEnd, found, view);
      if (span === null) {
        batch.corrupt.push(corruptLine("corrupt", offset, bytes.slice(at, lineEnd)));
      } else {
        const isExclusive = exclusive[span.code];
        if (batch.count > 0 && (isExclusive || newline - from > maxBytes)) break;
        batch.add(span, at, lineEnd);
        if (isExclusive) return newline + 1;
      }
    }
    at = newline + 1;
  }
  return at;
}

/** A dead letter of a line that is not a record. */
export function corruptLine(
  reason: "corrupt" | "torn",
  offset: number,
  line: Uint8Array<ArrayBuffer>,
): DeadLetter {
  return { reason, offset, length: line.length, line };
}
