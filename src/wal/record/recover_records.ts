/**
 * Finds the whole records in lines that were dead-lettered as corrupt.
 *
 * @module
 */

import { splitDamaged } from "./corrupt_line.ts";
import { readRecord, type RecordSpan } from "./record.ts";
import type { DeadLetter } from "../segment/segment.ts";
import { Window } from "./record_batch.ts";

/** Records and dead letters made of corrupt lines. */
export interface Salvage {
  /** The whole records, each in a window of its own, in order. */
  readonly windows: readonly Window[];
  /** The rest that is corrupt, and all dead letters with another reason. */
  readonly deadLetters: readonly DeadLetter[];
}

/** Looks for whole records in the lines of `deadLetters`. */
export function salvage(deadLetters: readonly DeadLetter[]): Salvage {
  const windows: Window[] = [];
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
      if (sound) windows.push(windowOf(bytes, offset + start));
      else left.push({ ...deadLetter, offset: offset + start, length: end - start, line: bytes });
    }
  }
  return { windows, deadLetters: left };
}

function windowOf(bytes: Uint8Array<ArrayBuffer>, offset: number): Window {
  const window = new Window(bytes, offset, 1);
  const span: RecordSpan = { code: 0, start: 0, end: 0, canonical: true };
  if (readRecord(bytes, 0, bytes.length, span)) window.add(span, 0, bytes.length);
  window.to = offset + bytes.length;
  return window;
}
