/**
 * Reads the lines of a segment for display: records and corrupt parts, in order, in bounded memory.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { isFinal, type SegmentState } from "../../wal/orphans/segment_status.ts";
import { ReadOnlySegment } from "../../wal/segment/read_only_segment.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { BatchRecord } from "../../wal/record/record_batch.ts";
import { BatchReader } from "../../wal/record/batch_reader.ts";
import { limitsFor } from "./read_limits.ts";

/** One line: a record, or a corrupt part. */
export type LogLine =
  | { readonly offset: number; readonly length: number; readonly record: BatchRecord }
  | { readonly offset: number; readonly length: number; readonly corrupt: DeadLetter };

/** Lines that were read together. */
export interface LogBatch {
  /** Contains the lines; valid until the batch after the next is read. */
  readonly bytes: Uint8Array;
  readonly lines: readonly LogLine[];
  /** Byte offset after the lines. */
  readonly to: number;
}

/** The range to read. */
export interface LogRange {
  /** Byte offset to start at; reading starts with the next line. */
  readonly from?: number;
  /** Byte offset to stop at, the start of a line; default: the end of the file. */
  readonly to?: number;
  /** Offsets of lines to skip. */
  readonly deadLettered?: ReadonlySet<number>;
}

/**
 * Reads the lines of `state` up to the current end of the file. Throws `ENOENT` if it does not
 * exist.
 */
export async function* readLog(
  { files }: Runtime,
  state: SegmentState,
  { from = 0, to, deadLettered }: LogRange = {},
): AsyncGenerator<LogBatch> {
  const segment = new ReadOnlySegment(files, state.paths.data, {
    name: state.stem,
    ...(to === undefined ? {} : { end: () => to }),
    ...(deadLettered ? { deadLettered } : {}),
  });
  try {
    const sealed = isFinal(state);
    const reader = new BatchReader(segment, limitsFor(state.size), await segment.lineAt(from));
    for (;;) {
      const batch = await reader.next(sealed);
      if (batch === null) return;
      const records = batch.records(() => true).map((record): LogLine => ({
        offset: record.offset,
        length: record.lineEnd - record.lineStart,
        record,
      }));
      const corrupt = batch.corrupt.map((deadLetter): LogLine => ({
        offset: deadLetter.offset,
        length: deadLetter.length,
        corrupt: deadLetter,
      }));
      const lines = corrupt.length === 0
        ? records
        : [...records, ...corrupt].sort((a, b) => a.offset - b.offset);
      yield { bytes: batch.bytes, lines, to: batch.to };
    }
  } finally {
    segment.close();
  }
}

/** Bytes of a block when reading from the end of a file. */
const BLOCK_BYTES = 8 * 1024 * 1024;

/** Options for splitting a segment into blocks. */
export interface BlockOptions {
  /** Byte offset of the first block, the start of a line. Default: the start of the file. */
  readonly start?: number;
  /** Bytes of a block, unless its first line is longer. */
  readonly blockBytes?: number;
}

/**
 * Splits `state` into ranges of complete lines, last one first. Throws `ENOENT` if it does not
 * exist.
 */
export async function* blocksFromEnd(
  { files }: Runtime,
  state: SegmentState,
  { start = 0, blockBytes = BLOCK_BYTES }: BlockOptions = {},
): AsyncGenerator<{ readonly from: number; readonly to: number }> {
  for (let to = state.size; to > start;) {
    const segment = new ReadOnlySegment(files, state.paths.data, { name: state.stem });
    let from = to;
    try {
      // A line may be longer than a block.
      for (let size = blockBytes; from >= to; size += blockBytes) {
        from = Math.min(to, await segment.lineAt(Math.max(start, to - size)));
      }
    } finally {
      segment.close();
    }
    yield { from, to };
    to = from;
  }
}
