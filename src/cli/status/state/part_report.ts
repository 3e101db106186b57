/**
 * The parts of a log: segments, or the records of a project in a partition of a stream.
 *
 * @module
 */

import type { Writer } from "../../../wal/processes/process_status.ts";
import type { SegmentState } from "../../../wal/orphans/segment_status.ts";

/** A part of a log that is sent in order: a segment, or the records of a project in a partition. */
export interface PartState
  extends Pick<SegmentState, "stem" | "size" | "checkpoint" | "open" | "drainer"> {
  /** The process that writes it; `null` where several do that leave no name. */
  readonly writer: Writer | null;
}

/** One segment. */
export interface SegmentReport<State extends PartState = PartState> {
  /** Its name for people. */
  readonly name: string;
  readonly state: State;
  readonly pendingRecords: number;
  /** Whether `pendingRecords` is an estimate. */
  readonly pendingEstimated: boolean;
  readonly pendingBytes: number;
  /** Time of the oldest pending record, epoch ms. */
  readonly oldest: number | null;
}
