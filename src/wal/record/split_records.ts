/**
 * Fills a batch with the lines in a buffer.
 *
 * This is the loop over all records of a log. It does not depend on where the bytes come from, so
 * that its compiled code fits every segment.
 *
 * @module
 */

import { contentEnd, contentStart, readRecord, type RecordSpan, scanNewlines } from "./record.ts";
import type { LineSet } from "../segment/delivered_lines.ts";
import type { DeadLetter } from "../segment/segment.ts";
import type { RecordBatch } from "./record_batch.ts";

/** Limits of a batch, and lines to leave out of it. */
export interface Fill {
  /** Position of the first line in the batch's bytes, and the end of the data. */
  readonly from: number;
  readonly filled: number;
  /** Maximum bytes; a single longer record gets a batch of its own. */
  readonly maxBytes: number;
  /** Whether a record gets a batch of its own, by its type's index in `RECORD_TYPES`. */
  readonly exclusive: readonly boolean[];
  /** Byte offsets in the segment of lines that an earlier sender dead-lettered or delivered. */
  readonly settledLines: LineSet;
}

const found: RecordSpan = { code: 0, start: 0, end: 0, canonical: true };

/**
 * Adds records to the empty `batch` until it is full or the next record must be in another batch.
 *
 * @returns Position in the batch's bytes of the first remaining line.
 */
export function splitRecords(batch: RecordBatch, fill: Fill): number {
  const { from, filled, maxBytes, exclusive, settledLines } = fill;
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
    if (lineEnd > lineStart && !(settledLines.size > 0 && settledLines.has(offset))) {
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

/** Creates a dead letter for a line that is not a record. */
export function corruptLine(
  reason: "corrupt" | "torn",
  offset: number,
  line: Uint8Array<ArrayBuffer>,
): DeadLetter {
  return { reason, offset, length: line.length, line };
}
