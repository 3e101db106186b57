/**
 * Reads segments of one writer and determines which calls are still open after them.
 *
 * @module
 */

import type { RecordType } from "../../protocol/record_types.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { Slices } from "../../runtime/event_loop.ts";
import type { ListedSegment } from "../orphans/directory_listing.ts";
import { BatchReader } from "../record/batch_reader.ts";
import { MAX_RECORD_BYTES } from "../record/record.ts";
import { salvage } from "../record/recover_records.ts";
import type { BatchRecord, RecordBatch } from "../record/record_batch.ts";
import { ReadOnlySegment } from "../segment/read_only_segment.ts";
import {
  CLOSED_SUFFIX,
  isClosingStem,
  OPEN_SUFFIX,
  SEGMENT_SUFFIX,
  type SegmentPaths,
  segmentPaths,
} from "../segment/segment_name.ts";
import { OpenCalls } from "./open_calls.ts";
import { readOpenCalls } from "./open_calls_file.ts";

/** Read limits. They include every line that a sender would deliver. */
const LIMITS = {
  bytes: 1024 * 1024,
  records: 1_000,
  recordBytes: MAX_RECORD_BYTES,
  isExclusive: () => false,
};

const FOLDED: ReadonlySet<RecordType> = new Set<RecordType>([
  "call_start",
  "call_end",
  "calls_delete",
  "otel_traces",
  "otel_agents",
]);

/**
 * Applies the span starts and the records of a segment. Rejects with the file system error.
 *
 * @param withCalls Also closes calls that begin in it.
 */
export async function foldSegment(
  runtime: Runtime,
  { data, started }: Pick<SegmentPaths, "data" | "started">,
  into: OpenCalls,
  withCalls: boolean,
): Promise<void> {
  into.withCalls = withCalls;
  if (runtime.files.exists(started)) {
    await foldFile(runtime, started, (record) => into.foldStart(record));
  }
  await foldFile(runtime, data, (record) => into.fold(record));
}

async function foldFile(
  runtime: Runtime,
  path: string,
  fold: (record: BatchRecord) => void,
): Promise<void> {
  const segment = new ReadOnlySegment(runtime.files, path, { name: path, sealed: true });
  const slices = new Slices(runtime.clock);
  try {
    const reader = new BatchReader(segment, LIMITS, 0);
    for (let next = await reader.next(true); next !== null; next = await reader.next(true)) {
      for (const record of recordsOf(next)) {
        if (slices.isOver) await slices.next();
        fold(record);
      }
    }
  } finally {
    segment.close();
  }
}

/**
 * Returns the records of a batch, in order, including those that senders recover from corrupt
 * lines.
 */
function recordsOf(batch: RecordBatch): BatchRecord[] {
  const records = batch.records((type) => FOLDED.has(type));
  if (batch.corrupt.length === 0) return records;
  const found = salvage(batch.corrupt).batches.flatMap((one) => one.records(() => true));
  return [...records, ...found].sort((a, b) => a.offset - b.offset);
}

/**
 * Returns the calls that are open after all files of one writer.
 *
 * @param stems All of its stems, in order, including those whose data is removed.
 * @returns `null` if no file asks for interrupted calls to be closed. Rejects with the file system
 * error.
 */
export async function foldWriter(
  runtime: Runtime,
  stems: readonly ListedSegment[],
): Promise<OpenCalls | null> {
  let open: OpenCalls | null = null;
  for (const { directory, stem, suffixes } of stems) {
    const paths = segmentPaths(directory, stem);
    const hasData = suffixes.has(SEGMENT_SUFFIX);
    if (isClosingStem(stem)) {
      // A closing segment that is in effect closes all calls before it.
      if (hasData || suffixes.has(CLOSED_SUFFIX)) open = null;
      continue;
    }
    const file = suffixes.has(OPEN_SUFFIX) ? readOpenCalls(runtime.files, paths.open) : null;
    if (file === null) {
      if (hasData || suffixes.has(OPEN_SUFFIX)) open = null;
      continue;
    }
    if (file.carried !== null) {
      open = file.carried;
      continue;
    }
    open ??= new OpenCalls();
    if (hasData) await foldSegment(runtime, paths, open, file.withCalls);
  }
  return open;
}
