/**
 * Age of the oldest pending record of a segment.
 *
 * @module
 */

import { isFinal, type SegmentState } from "../../wal/ownership/segment_status.ts";
import { parseStem } from "../../wal/segment/segment_name.ts";
import type { Segment } from "../../wal/segment/segment.ts";
import { WindowReader } from "../../wal/record/batch_reader.ts";
import { MAX_RECORD_BYTES } from "../logs/read_limits.ts";
import { factsOf } from "../inspect/record_facts.ts";

/** Bytes that are read at once. */
const MAX_BYTES = 16 * 1024;
/** Records that are looked at for one that tells its time. */
const MAX_LOOKS = 50;

/**
 * Epoch ms of the first pending record that has a time; where none does, of the segment's beginning.
 *
 * @param segment The open segment of `state`, which has pending records.
 */
export async function oldestPending(
  segment: Segment,
  state: SegmentState,
): Promise<number | null> {
  const limits = {
    bytes: Math.min(MAX_BYTES, state.size - state.checkpoint.offset),
    records: MAX_LOOKS,
    recordBytes: MAX_RECORD_BYTES,
    standsAlone: () => false,
  };
  const reader = new WindowReader(segment, limits, state.checkpoint.offset);
  const window = await reader.next(isFinal(state));
  for (const record of window?.records(() => true) ?? []) {
    const { time } = factsOf(window!.bytes, record);
    if (time !== undefined) return time;
  }
  return begunAt(state.stem);
}

/** Epoch ms at which a segment was begun, by its name. */
export function begunAt(stem: string): number | null {
  const parsed = parseStem(stem);
  return parsed === null ? null : Number(BigInt(parsed.time) / 1_000_000n);
}
