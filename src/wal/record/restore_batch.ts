/**
 * Reads the lines of a batch again, after its bytes were rewritten in place.
 *
 * @module
 */

import type { Segment } from "../segment/segment.ts";
import { contentStart, readRecord, type RecordSpan } from "./record.ts";
import type { RecordBatch } from "./record_batch.ts";

/**
 * Reads the lines of a batch again, into the same positions. Rejects with the disk's error.
 *
 * @returns `false` if they no longer exist.
 */
export async function restoreBatch(segment: Segment, batch: RecordBatch): Promise<boolean> {
  const { bytes, base, lineStarts, lineEnds, count } = batch;
  const to = lineEnds[count - 1];
  for (let at = lineStarts[0]; at < to;) {
    const read = await segment.read(base + at, bytes.subarray(at, to));
    if (read === 0) return false;
    at += read;
  }
  const span: RecordSpan = { code: 0, start: 0, end: 0, canonical: true };
  for (let index = 0; index < count; index++) {
    if (!isRecord(batch, index, span)) return false;
  }
  return true;
}

/** Returns whether a record of a batch is at its original position. */
function isRecord(batch: RecordBatch, index: number, into: RecordSpan): boolean {
  const { bytes, base, codes, lineStarts, lineEnds, starts, ends } = batch;
  const lineStart = lineStarts[index];
  const start = base + lineStart === 0 ? contentStart(bytes, lineStart) : lineStart;
  const span = readRecord(bytes, start, lineEnds[index], into);
  return span?.code === codes[index] && span.start === starts[index] && span.end === ends[index];
}
