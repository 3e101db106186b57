/**
 * Reads the lines of a segment for display: records and corrupt parts, in order, in bounded memory.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { isFinal, type SegmentState } from "../../wal/orphans/segment_status.ts";
import type { LineSet } from "../../wal/segment/delivered_lines.ts";
import { ReadOnlySegment } from "../../wal/segment/read_only_segment.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { BatchRecord, RecordBatch } from "../../wal/record/record_batch.ts";
import { BatchReader } from "../../wal/record/batch_reader.ts";
import { limitsFor, READ_LIMITS } from "./read_limits.ts";

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
  /** Lines to skip. */
  readonly settledLines?: LineSet;
}

/**
 * Reads the lines of `state` up to the current end of the file. Throws `ENOENT` if it does not
 * exist.
 */
export async function* readLog(
  { files }: Runtime,
  state: SegmentState,
  { from = 0, to, settledLines }: LogRange = {},
): AsyncGenerator<LogBatch> {
  const segment = new ReadOnlySegment(files, state.paths.data, {
    name: state.stem,
    ...(to === undefined ? {} : { end: () => to }),
    ...(settledLines ? { settledLines } : {}),
  });
  try {
    const sealed = isFinal(state);
    const reader = new BatchReader(segment, limitsFor(state.size), await segment.lineAt(from));
    for (;;) {
      const batch = await reader.next(sealed);
      if (batch === null) return;
      yield linesOf(batch);
    }
  } finally {
    segment.close();
  }
}

/** Returns the records and corrupt parts of a batch, in order. */
function linesOf(batch: RecordBatch): LogBatch {
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
  return { bytes: batch.bytes, lines, to: batch.to };
}

/** Bytes to read initially for one line. */
const FIRST_BYTES = 64 * 1024;

/** Reads the line at `offset`; none if no line starts there. Throws `ENOENT` as {@linkcode readLog}. */
export async function* readLine(
  { files }: Runtime,
  state: SegmentState,
  offset: number,
): AsyncGenerator<LogBatch> {
  const segment = new ReadOnlySegment(files, state.paths.data, { name: state.stem });
  try {
    if (offset >= segment.end() || await segment.lineAt(offset) !== offset) return;
    const limits = { ...READ_LIMITS, records: 1, bytes: FIRST_BYTES };
    const batch = await new BatchReader(segment, limits, offset).next(false);
    if (batch === null) return;
    const { bytes, lines, to } = linesOf(batch);
    yield { bytes, lines: lines.filter((line) => line.offset === offset), to };
  } finally {
    segment.close();
  }
}

/** Options for splitting a part into blocks. */
export interface BlockOptions {
  /** Position of the first block, the start of a line; the start of the part by default. */
  readonly start?: number;
  /** Approximate bytes of a block. */
  readonly blockBytes?: number;
}

/** A range of whole lines. */
export interface LogBlock {
  readonly from: number;
  readonly to: number;
  /** Bytes to read for it. */
  readonly bytes: number;
}

/** Bytes of a block when reading from the end of a file. */
const BLOCK_BYTES = 8 * 1024 * 1024;

/**
 * Splits `state` into ranges of complete lines, last one first; a block is larger if its first line
 * is. Throws `ENOENT` if it does not exist.
 */
export async function* blocksFromEnd(
  { files }: Runtime,
  state: SegmentState,
  { start = 0, blockBytes = BLOCK_BYTES }: BlockOptions = {},
): AsyncGenerator<LogBlock> {
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
    yield { from, to, bytes: to - from };
    to = from;
  }
}
