/**
 * Progress of the delivery of dead processes' segments, for reports.
 * @module
 */

import type { Clock, Runtime } from "../../runtime/runtime.ts";
import type { ListedSegment } from "../../wal/orphans/directory_listing.ts";
import { CountBudget, type RecordCount } from "../../wal/segment/pending_count.ts";
import { WaitingCounter } from "../../wal/segment/waiting_counter.ts";
import type { RecoveryStart } from "./directory_recovery_options.ts";

/** Ms between two reports of progress. */
export const PROGRESS_MS = 10_000;
/** Number of segments up to which all records are counted. */
const FEW_SEGMENTS = 10;
/** Of more segments, one in this many is counted, so that counting adds little to each. */
const SAMPLE_STEP = 10;
const LIMITS = { exactBytes: 1024 * 1024, sampledBytes: 4 * 1024 * 1024, segments: 1_000 };

/** Counts pending records in a sample of the segments. Never rejects. */
export async function estimateRecords(
  runtime: Runtime,
  segments: readonly ListedSegment[],
): Promise<RecordCount> {
  const size = Math.min(
    segments.length,
    Math.max(FEW_SEGMENTS, Math.ceil(segments.length / SAMPLE_STEP)),
  );
  const sample = Array.from(
    { length: size },
    (_, n) => segments[Math.floor(n * segments.length / size)],
  );
  const counted = await new WaitingCounter(runtime).count(sample, new CountBudget(LIMITS));
  return {
    records: size === 0 ? 0 : Math.round(counted.records * segments.length / size),
    isEstimate: counted.isEstimate || size < segments.length,
  };
}

/** Counts the records that are sent, and reports them at intervals. */
export class RecoveryProgress {
  readonly #clock: Clock;
  readonly #start: RecoveryStart;
  readonly #report: (start: RecoveryStart, sent: number) => void;
  #sent = 0;
  #reportedAt: number;

  /** Reports the start. */
  constructor(
    clock: Clock,
    start: RecoveryStart,
    report: (start: RecoveryStart, sent: number) => void,
  ) {
    this.#clock = clock;
    this.#start = start;
    this.#report = report;
    this.#reportedAt = clock.monotonic();
    report(start, 0);
  }

  /** Number of records delivered or dead-lettered so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Adds records that were delivered or dead-lettered. */
  add(records: number): void {
    this.#sent += records;
    const now = this.#clock.monotonic();
    if (now - this.#reportedAt < PROGRESS_MS) return;
    this.#reportedAt = now;
    this.#report(this.#start, this.#sent);
  }
}
