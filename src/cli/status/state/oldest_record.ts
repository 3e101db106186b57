/**
 * Finds the age of the oldest pending record of a segment.
 *
 * @module
 */

import { isFinal, type SegmentState } from "../../../wal/orphans/segment_status.ts";
import { parseStem } from "../../../wal/segment/segment_name.ts";
import type { Segment } from "../../../wal/segment/segment.ts";
import { firstRecordTime, type RecordTime } from "../../../wal/segment/first_record_time.ts";
import { factsOf } from "../../inspect/record_facts.ts";

/**
 * Returns the epoch ms of the first pending record with a time; if none has one, of the segment's
 * creation.
 *
 * @param segment The open segment of `state`, which has pending records.
 * @param isPart Whether `segment` ends before the end of its data.
 */
export async function oldestPending(
  segment: Segment,
  state: SegmentState,
  isPart: boolean,
): Promise<number | null> {
  const timeOf: RecordTime = (bytes, record) => factsOf(bytes, record).time;
  const time = await firstRecordTime(
    segment,
    state.checkpoint.offset,
    isFinal(state) && !isPart,
    timeOf,
  );
  return time ?? begunAt(state.stem);
}

/** Returns the epoch ms at which a segment was created, from its name. */
export function begunAt(stem: string): number | null {
  const parsed = parseStem(stem);
  return parsed === null ? null : Number(BigInt(parsed.time) / 1_000_000n);
}
