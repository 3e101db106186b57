/**
 * Recovers complete records from lines that were dead-lettered as corrupt.
 *
 * @module
 */

import { splitDamaged } from "./corrupt_line.ts";
import { readRecord, type RecordSpan } from "./record.ts";
import type { DeadLetter } from "../segment/segment.ts";
import { RecordBatch } from "./record_batch.ts";

/** Records and dead letters from corrupt lines. */
export interface Salvage {
  /** The complete records, each in a batch of its own, in order. */
  readonly batches: readonly RecordBatch[];
  /** The parts that are still corrupt, and all dead letters with another reason. */
  readonly deadLetters: readonly DeadLetter[];
}

/** Recovers complete records from the lines of `deadLetters`. */
export function salvage(deadLetters: readonly DeadLetter[]): Salvage {
  const batches: RecordBatch[] = [];
  const left: DeadLetter[] = [];
  for (const deadLetter of deadLetters) {
    const { line, reason, offset } = deadLetter;
    const pieces = line && (reason === "corrupt" || reason === "torn") ? splitDamaged(line) : [];
    if (!line || !pieces.some(({ sound }) => sound)) {
      left.push(deadLetter);
      continue;
    }
    for (const { start, end, sound } of pieces) {
      const bytes = line.subarray(start, end);
      if (sound) batches.push(batchOf(bytes, offset + start));
      else left.push({ ...deadLetter, offset: offset + start, length: end - start, line: bytes });
    }
  }
  return { batches, deadLetters: left };
}

function batchOf(bytes: Uint8Array<ArrayBuffer>, offset: number): RecordBatch {
  const batch = new RecordBatch(bytes, offset, 1);
  const span: RecordSpan = { code: 0, start: 0, end: 0, canonical: true };
  if (readRecord(bytes, 0, bytes.length, span)) batch.add(span, 0, bytes.length);
  batch.to = offset + bytes.length;
  return batch;
}
