/**
 * The progress of a drain: its settled part, and the records that still wait.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import { countRecords } from "../../wal/segment/count_records.ts";
import { firstRecordTime } from "../../wal/segment/first_record_time.ts";
import {
  type CountBudget,
  PendingCount,
  type RecordCount,
} from "../../wal/segment/pending_count.ts";
import type { Segment } from "../../wal/segment/segment.ts";
import { NOTHING_WAITS, type Waiting } from "../../wal/segment/waiting_counter.ts";

/** Starts that were read and wait for their ends. */
export interface WaitingStarts {
  readonly count: number;
  readonly bytes: number;
}

/** A batch that is settled: every record delivered, dead-lettered, or a start that waits. */
export interface SettledBatch {
  /** End of the batch, a byte offset in the segment. */
  readonly end: number;
  /** Byte offset to acknowledge: `end`, or the oldest start that waits. */
  readonly acknowledged: number;
  /** All starts that wait, of this batch and of earlier ones. */
  readonly starts: WaitingStarts;
}

/** The end of a segment now; `undefined` when the disk does not say. */
export function endOf(segment: Segment): number | undefined {
  try {
    return segment.end();
  } catch {
    return undefined;
  }
}

/** Knows how far a drain has come. */
export class DrainProgress {
  readonly #segment: Segment;
  readonly #clock: Clock;
  readonly #count = new PendingCount();
  /**
   * The latest settled batch. Between `acknowledged` and `end` only `starts` wait: a record is counted
   * as one of them, or as one of those behind `end`, never as both.
   */
  #settled: SettledBatch;
  /** When everything was last delivered, epoch ms. */
  #caughtUp = -Infinity;
  #over = false;

  /** Begins at the segment's checkpoint. */
  constructor(segment: Segment, clock: Clock) {
    this.#segment = segment;
    this.#clock = clock;
    const { checkpoint } = segment;
    this.#settled = {
      end: checkpoint,
      acknowledged: checkpoint,
      starts: { count: 0, bytes: 0 },
    };
  }

  /** Byte offset up to which everything is delivered or dead-lettered. */
  get acknowledged(): number {
    return this.#settled.acknowledged;
  }

  /** A batch was settled, and all batches before it. */
  settled(batch: SettledBatch): void {
    this.#settled = batch;
    if (batch.acknowledged >= this.#segment.end()) this.#caughtUp = this.#clock.now();
  }

  /** The drain is over: nothing waits for it any more. */
  over(): void {
    this.#over = true;
  }

  /** Counts what waits; if the disk fails, without the records that it does not give. */
  async pending(budget: CountBudget): Promise<Waiting> {
    if (this.#over) return NOTHING_WAITS;
    const segment = this.#segment;
    const { end, starts } = this.#settled;
    const unread = segment.bytesFrom?.(end) ?? (endOf(segment) ?? end) - end;
    const bytes = Math.max(0, unread) + starts.bytes;
    try {
      const { records, isEstimate } = await this.#countFrom(end, budget);
      return { records: records + starts.count, bytes, isEstimate };
    } catch {
      return { ...NOTHING_WAITS, bytes };
    }
  }

  /** When the oldest record that waits was written, epoch ms; `null` when none waits. */
  async oldestPending(): Promise<number | null> {
    const { acknowledged } = this.#settled;
    if (this.#over || acknowledged >= (endOf(this.#segment) ?? Infinity)) return null;
    const since = Math.max(this.#segment.begun, this.#caughtUp);
    const time = await firstRecordTime(this.#segment, acknowledged, this.#segment.isSealed())
      .catch(() => null);
    // Programs may set the times of their calls: no record is older than the wait for it.
    return Math.max(since, time ?? since);
  }

  /** Counts what waits in front of byte offset `end`, and takes it for settled. */
  async giveUp(end: number): Promise<{ readonly records: number; readonly bytes: number }> {
    const { end: from, starts } = this.#settled;
    const records = await countRecords(this.#segment, from, end) + starts.count;
    this.#settled = { end, acknowledged: end, starts: { count: 0, bytes: 0 } };
    return { records, bytes: Math.max(0, end - from) + starts.bytes };
  }

  /** Byte offset of the first record that is neither settled nor a start that waits. */
  get unsettled(): number {
    return this.#settled.end;
  }

  async #countFrom(offset: number, budget: CountBudget): Promise<RecordCount> {
    const segment = this.#segment;
    const { records } = segment;
    if (offset === 0 && records !== undefined) return { records, isEstimate: false };
    if (segment.countFrom) return await segment.countFrom(offset, budget);
    return await this.#count.count(offset, segment.end(), budget, () => ({
      read: (at, into) => segment.read(at, into),
    }));
  }
}
