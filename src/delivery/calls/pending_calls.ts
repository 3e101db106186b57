/**
 * Calls of which one half was read and the other is expected.
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import type { CallRecord } from "./call_record.ts";
import { type HeldBefore, HeldEnds } from "./held_ends.ts";
import { PendingStarts } from "./pending_starts.ts";

/** Calls of one drain that wait for their other half. */
export class PendingCalls {
  /** Starts that wait briefly for their ends. */
  readonly starts: PendingStarts;
  /** Ends that were read before their starts. */
  readonly ends: HeldEnds;

  /** `holdsEnds`: whether an end may precede its start in the log. */
  constructor(clock: Clock, holdsEnds = false) {
    this.starts = new PendingStarts(clock);
    this.ends = new HeldEnds(clock, holdsEnds);
  }

  /** Number of waiting starts and ends. */
  get count(): number {
    return this.starts.count + this.ends.count;
  }

  /** Returns whether half of a call with an ID of this hash may be waiting. */
  mayHave(idHash: number): boolean {
    return this.starts.mayHave(idHash) || this.ends.mayHave(idHash);
  }

  /** Returns whether a byte-for-byte identical record is waiting. */
  repeats(call: CallRecord): boolean {
    return this.starts.repeats(call) || this.ends.repeats(call);
  }

  /**
   * Removes and returns the missing half of the call of `records`: its start, or its end if they
   * include a start.
   */
  take(records: readonly CallRecord[]): CallRecord | undefined {
    const start = this.starts.take(records[0]);
    if (start !== undefined) return start;
    const own = records.find(({ record }) => record.type === "call_start");
    return own && this.ends.take(own);
  }

  /** Returns the waiting starts, and the undelivered ends before `offset`. */
  before(offset: number): HeldBefore {
    const { count, bytes, oldestOffset } = this.starts;
    const ends = this.ends.before(offset);
    const oldest = Math.min(oldestOffset ?? Infinity, ends.oldestOffset ?? Infinity);
    return {
      count: count + ends.count,
      bytes: bytes + ends.bytes,
      oldestOffset: oldest === Infinity ? undefined : oldest,
    };
  }

  /**
   * Returns the ms until something is due; `undefined` if nothing waits.
   * @param sendsNow Whether starts do not wait.
   */
  dueIn(sendsNow = false): number | undefined {
    const { starts, ends } = this;
    const start = sendsNow && starts.count > 0 ? 0 : starts.dueIn;
    const dueIn = Math.min(start ?? Infinity, ends.dueIn ?? Infinity);
    return dueIn === Infinity ? undefined : dueIn;
  }

  /** Discards all records: they will be read again. */
  clear(): void {
    this.starts.takeAll();
    this.ends.clear();
  }
}
