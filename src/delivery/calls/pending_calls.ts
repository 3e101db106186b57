/**
 * Calls of which one half was read and the other is expected.
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import type { CallRecord } from "./call_record.ts";
import { HeldEnds, type StartPlaces } from "./held_ends.ts";
import { PendingStarts } from "./pending_starts.ts";

const NOWHERE: StartPlaces = { laterInLog: false, otherLogs: false };

/** Calls of one drain that wait for their other half. */
export class PendingCalls {
  /** Starts that wait briefly for their ends. */
  readonly starts: PendingStarts;
  /** Ends that were read before their starts. */
  readonly ends: HeldEnds;
  /** Whether a record was read that repeats a waiting one. */
  hasRepeats = false;

  /** `places`: where the start of an end may be, other than before it in the log. */
  constructor(clock: Clock, places: StartPlaces = NOWHERE) {
    this.starts = new PendingStarts(clock);
    this.ends = new HeldEnds(clock, places);
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
    const isRepeat = this.starts.repeats(call) || this.ends.repeats(call);
    this.hasRepeats ||= isRepeat;
    return isRepeat;
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
