/**
 * Finds the time at which the first record after an offset was written, from the records
 * themselves.
 *
 * @module
 */

import { topLevelField } from "../../bytes/json_fields.ts";
import { BatchReader } from "../record/batch_reader.ts";
import { MAX_RECORD_BYTES } from "../record/record.ts";
import type { BatchRecord } from "../record/record_batch.ts";
import type { Segment } from "./segment.ts";

/** Bytes per read. */
const MAX_BYTES = 16 * 1024;
/** Number of records to search for one with a time. */
const MAX_RECORDS = 50;

/** Returns the epoch ms at which a record was written; `undefined` if it has no time. */
export type RecordTime = (bytes: Uint8Array, record: BatchRecord) => number | undefined;

/**
 * Returns the epoch ms of the first record after `offset` that has a time; `null` if none of the
 * next records does.
 *
 * @param isFinal Whether an unfinished last line is a record.
 */
export async function firstRecordTime(
  segment: Segment,
  offset: number,
  isFinal: boolean,
  timeOf: RecordTime = callTime,
): Promise<number | null> {
  const limits = {
    bytes: Math.max(1, Math.min(MAX_BYTES, segment.end() - offset)),
    records: MAX_RECORDS,
    recordBytes: MAX_RECORD_BYTES,
    isExclusive: () => false,
  };
  const batch = await new BatchReader(segment, limits, offset).next(isFinal);
  for (let index = 0; batch !== null && index < batch.count; index++) {
    const time = timeOf(batch.bytes, batch.record(index));
    if (time !== undefined) return time;
  }
  return null;
}

const TIMES: Readonly<Record<string, readonly [string, string]>> = {
  call_start: ["start", "started_at"],
  call_end: ["end", "ended_at"],
};

/** Returns the time at which the call of a record began or ended. */
function callTime(bytes: Uint8Array, { type, start, end }: BatchRecord): number | undefined {
  if (!Object.hasOwn(TIMES, type)) return undefined;
  const [wrapper, field] = TIMES[type];
  const inner = topLevelField(bytes, start, end, wrapper);
  const value = inner && topLevelField(bytes, inner.start, inner.end, field);
  if (!value) return undefined;
  const text = new TextDecoder().decode(bytes.subarray(value.start + 1, value.end - 1));
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
