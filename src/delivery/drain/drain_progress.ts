/**
 * Progress of a drain: its settled part, and the pending records.
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import { countRecords } from "../../wal/segment/count_records.ts";
import { type LineRange, linesOutside, SettledLines } from "../../wal/segment/delivered_lines.ts";
import { firstRecordTime } from "../../wal/segment/first_record_time.ts";
import {
  type CountBudget,
  PendingCount,
  type PendingSource,
  type SizedCount,
} from "../../wal/segment/pending_count.ts";
import type { Segment } from "../../wal/segment/segment.ts";
import { NOTHING_WAITS, type Waiting } from "../../wal/segment/waiting_counter.ts";

/** Halves of calls that were read and wait for the other half. */
export interface WaitingHalves {
  /** Size of their lines, in bytes. */
  readonly bytes: number;
  /** Byte offsets of their lines in the segment. */
  readonly offsets: readonly number[];
}

const NO_HALVES: WaitingHalves = { bytes: 0, offsets: [] };

/** Settled batch: every record is delivered, dead-lettered, or a waiting half of a call. */
export interface SettledBatch {
  /** End of the batch, a byte offset in the segment. */
  readonly end: number;
  /** Byte offset to acknowledge: `end`, or the oldest waiting half. */
  readonly acknowledged: number;
  /** Byte offset before which every record was sent, also the ends that wait for their starts. */
  readonly sent: number;
  /** All waiting halves, of this batch and of earlier ones. */
  readonly waiting: WaitingHalves;
}

/** Returns the current end of a segment; `undefined` if the disk fails. */
export function endOf(segment: Segment): number | undefined {
  try {
    return segment.end();
  } catch {
    return undefined;
  }
}

/** Tracks the progress of a drain. */
export class DrainProgress {
  readonly #segment: Segment;
  readonly #clock: Clock;
  readonly #count = new PendingCount();
  /**
   * Last settled batch. Between `acknowledged` and `end`, only `waiting` is pending: a record
   * counts either as one of them or as one of those after `end`, never as both.
   */
  #settled: SettledBatch;
  /** Last time at which everything was delivered, epoch ms. */
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
      sent: checkpoint,
      waiting: NO_HALVES,
    };
  }

  /** Byte offset below which all records are delivered or dead-lettered. */
  get acknowledged(): number {
    return this.#settled.acknowledged;
  }

  /** Byte offset below which all records were sent. */
  get sent(): number {
    return this.#settled.sent;
  }

  /** Notes that a batch and all batches before it were settled. */
  settled(batch: SettledBatch): void {
    this.#settled = batch;
    if (batch.acknowledged >= this.#segment.end()) this.#caughtUp = this.#clock.now();
  }

  /** Delivered lines after the checkpoint, all of them before `unsettled`. */
  get delivered(): LineRange[] {
    const { acknowledged, end, waiting } = this.#settled;
    return linesOutside(acknowledged, end, new SettledLines(waiting.offsets).ranges);
  }

  /** Notes that the drain has ended: nothing is pending for it any more. */
  over(): void {
    this.#over = true;
  }

  /** Counts pending records; if the disk fails, without the records that cannot be read. */
  async pending(budget: CountBudget): Promise<Waiting> {
    if (this.#over) return NOTHING_WAITS;
    const { end, waiting } = this.#settled;
    try {
      const { records, bytes, isEstimate } = await this.#countFrom(end, budget);
      return {
        records: records + waiting.offsets.length,
        bytes: bytes + waiting.bytes,
        isEstimate,
      };
    } catch {
      const unread = (endOf(this.#segment) ?? end) - end;
      return { ...NOTHING_WAITS, bytes: Math.max(0, unread) + waiting.bytes };
    }
  }

  /** Returns when the oldest pending record was written, epoch ms; `null` if none is pending. */
  async oldestPending(): Promise<number | null> {
    const { acknowledged } = this.#settled;
    if (this.#over || acknowledged >= (endOf(this.#segment) ?? Infinity)) return null;
    const since = Math.max(this.#segment.begun, this.#caughtUp);
    const time = await firstRecordTime(this.#segment, acknowledged, this.#segment.isSealed())
      .catch(() => null);
    // Programs may set the times of their calls, but no record has been pending longer than that.
    return Math.max(since, time ?? since);
  }

  /** Counts the pending records before byte offset `end`, and marks them as settled. */
  async giveUp(end: number): Promise<{ readonly records: number; readonly bytes: number }> {
    const segment = this.#segment;
    const { end: from, waiting } = this.#settled;
    const left = await countRecords(segment, from, end, segment.settledLines.ranges);
    this.#settled = { end, acknowledged: end, sent: end, waiting: NO_HALVES };
    return {
      records: left.records + waiting.offsets.length,
      bytes: left.bytes + left.unfinished + waiting.bytes,
    };
  }

  /** Byte offset of the first record that is neither settled nor a waiting half. */
  get unsettled(): number {
    return this.#settled.end;
  }

  async #countFrom(offset: number, budget: CountBudget): Promise<SizedCount> {
    const segment = this.#segment;
    const { records } = segment;
    if (offset === 0 && records !== undefined) {
      return { records, bytes: segment.end(), isEstimate: false };
    }
    if (segment.countFrom) return await segment.countFrom(offset, budget);
    const open = (): PendingSource => ({ read: (at, into) => segment.read(at, into) });
    const settled = segment.settledLines.ranges;
    return await this.#count.count(offset, segment.end(), budget, open, { settled });
  }
}
