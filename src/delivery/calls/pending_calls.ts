/**
 * Calls of which one half was read and the other one is expected.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import type { CallRecord } from "./call_record.ts";
import { type HeldBefore, HeldEnds } from "./held_ends.ts";
import { PendingStarts } from "./pending_starts.ts";

/** The calls of one drain that wait for their other half. */
export class PendingCalls {
  /** Starts that wait a moment for their ends. */
  readonly starts: PendingStarts;
  /** Ends that were read before their starts. */
  readonly ends: HeldEnds;

  /** Makes an empty one. `holdsEnds`: whether an end may be in the log before its start. */
  constructor(clock: Clock, holdsEnds = false) {
    this.starts = new PendingStarts(clock);
    this.ends = new HeldEnds(clock, holdsEnds);
  }

  /** Starts and ends that wait. */
  get count(): number {
    return this.starts.count + this.ends.count;
  }

  /** Whether a half of a call with an ID of this hash may wait. */
  mayHave(idHash: number): boolean {
    return this.starts.mayHave(idHash) || this.ends.mayHave(idHash);
  }

  /** Whether a record waits that is the same, byte for byte. */
  repeats(call: CallRecord): boolean {
    return this.starts.repeats(call) || this.ends.repeats(call);
  }

  /** Takes what `records` of one call lack: its start, or its end if they have a start. */
  take(records: readonly CallRecord[]): CallRecord | undefined {
    const start = this.starts.take(records[0]);
    if (start !== undefined) return start;
    const own = records.find(({ record }) => record.type === "call_start");
    return own && this.ends.take(own);
  }

  /** Starts that wait, and ends before `offset` that are not delivered. */
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
   * Ms until something is due; `undefined` when nothing waits.
   *
   * @param sendsNow Whether starts do not wait.
   */
  dueIn(sendsNow = false): number | undefined {
    const { starts, ends } = this;
    const start = sendsNow && starts.count > 0 ? 0 : starts.dueIn;
    const dueIn = Math.min(start ?? Infinity, ends.dueIn ?? Infinity);
    return dueIn === Infinity ? undefined : dueIn;
  }

  /** Forgets all: they are read again. */
  clear(): void {
    this.starts.takeAll();
    this.ends.clear();
  }
}
