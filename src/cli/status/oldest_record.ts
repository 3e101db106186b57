/**
 * How old the first waiting record of a segment is.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/runtime.ts";
import { isSealed, pendingBytes, type SegmentState } from "../../wal/ownership/segment_status.ts";
import { parseStem } from "../../wal/segment/segment_name.ts";
import { ReadSegment } from "../../wal/segment/read_only_segment.ts";
import { WindowReader } from "../../wal/record/batch_reader.ts";
import { MAX_RECORD_BYTES } from "../logs/read_limits.ts";
import { factsOf } from "../inspect/record_facts.ts";

/** Records that are looked at for one that tells its time. */
const MOST_LOOKS = 50;

/**
 * Epoch ms of the first waiting record that tells its time; where none does, of the segment's
 * beginning; `null` when nothing waits.
 */
export async function oldestPending(
  files: FileSystem,
  state: SegmentState,
): Promise<number | null> {
  if (pendingBytes(state) === 0) return null;
  const segment = new ReadSegment(files, state.paths.data, { name: state.stem });
  try {
    const limits = {
      bytes: 64 * 1024,
      records: MOST_LOOKS,
      recordBytes: MAX_RECORD_BYTES,
      standsAlone: () => false,
    };
    const reader = new WindowReader(segment, limits, state.checkpoint.offset);
    const window = await reader.next(isSealed(state));
    for (const record of window?.records(() => true) ?? []) {
      const { time } = factsOf(window!.bytes, record);
      if (time !== undefined) return time;
    }
  } finally {
    segment.close();
  }
  return begunAt(state.stem);
}

/** Epoch ms at which a segment was begun, by its name. */
export function begunAt(stem: string): number | null {
  const parsed = parseStem(stem);
  return parsed === null ? null : Number(BigInt(parsed.time) / 1_000_000n);
}
