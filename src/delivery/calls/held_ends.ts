/**
 * Ends that wait for their starts.
 * The Python SDK appends from several threads, so an end may precede its start in the log. The v2
 * calls API would reject such an end, and the call would stay unfinished. The end therefore waits
 * briefly, and longer if the server does not know its start: until the start is read, until the log
 * has ended and was read completely, or until the start is no longer expected. Waiting ends are not
 * acknowledged.
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import { hashOf } from "./call_fields.ts";
import { callKey, type CallRecord, copyOf, isRepeat } from "./call_record.ts";
import { CARRY_MS } from "./pending_starts.ts";

/** Maximum number of attempts for an end while its log may grow; the wait doubles each time. */
export const MAX_TRIES = 6;
/** Maximum number of waiting ends, and their maximum bytes. */
export const MAX_HELD = 1_000, MAX_HELD_BYTES: number = 4 * 1024 * 1024;

/** End that is waiting, or in flight after waiting. */
export interface HeldEnd {
  readonly call: CallRecord;
  dueAt: number;
  tries: number;
  isSent: boolean;
  /** Whether the response is final, whatever it is. */
  isLastTry: boolean;
}

/** Number and bytes of ends, and the position of the first in its log. */
export interface HeldBefore {
  readonly count: number;
  readonly bytes: number;
  readonly oldestOffset: number | undefined;
}

/** Waiting ends of one drain. */
export class HeldEnds {
  readonly #clock: Clock;
  /** Waiting and in-flight ends, none of them acknowledged. */
  readonly #ends = new Map<string, HeldEnd>();
  /** Hashes of their IDs. */
  #hashes = new Set<number>();
  #bytes = 0;
  /** Ends removed since the last call of `taken`. */
  #taken: HeldEnd[] = [];
  /** Whether ends may wait: some writers append every start before its end. */
  readonly isEnabled: boolean;
  /** Whether the log was read completely and will not grow. */
  isLogRead = false;

  constructor(clock: Clock, isEnabled: boolean) {
    this.#clock = clock;
    this.isEnabled = isEnabled;
  }

  /** Number of ends that are waiting or in flight. */
  get count(): number {
    return this.#ends.size;
  }

  /** Returns whether an end with an ID of this hash may be waiting. */
  mayHave(idHash: number): boolean {
    return this.#hashes.has(idHash);
  }

  /** Returns whether a byte-for-byte identical end is waiting or in flight. */
  repeats(call: CallRecord): boolean {
    const known = this.#ends.get(callKey(call));
    return known !== undefined && isRepeat(known.call, call);
  }

  /** Ms until an end is due; `undefined` if none waits. */
  get dueIn(): number | undefined {
    let dueAt = Infinity;
    for (const end of this.#ends.values()) if (!end.isSent) dueAt = Math.min(dueAt, end.dueAt);
    if (dueAt === Infinity) return undefined;
    return this.isLogRead ? 0 : Math.max(0, dueAt - this.#clock.monotonic());
  }

  /** Returns the ends before `offset` in the log. */
  before(offset: number): HeldBefore {
    let count = 0, bytes = 0;
    let oldestOffset: number | undefined;
    for (const { call: { record } } of this.#ends.values()) {
      if (record.offset >= offset) continue;
      count++;
      bytes += record.lineEnd;
      oldestOffset = Math.min(oldestOffset ?? Infinity, record.offset);
    }
    return { count, bytes, oldestOffset };
  }

  /** Makes an end wait; returns `false` if it may not, or if another end of its call is waiting. */
  hold(call: CallRecord): boolean {
    const key = callKey(call);
    if (!this.isEnabled || this.isLogRead || this.#ends.has(key)) return false;
    const copy = copyOf(call);
    const dueAt = this.#clock.monotonic() + CARRY_MS;
    this.#ends.set(key, { call: copy, dueAt, tries: 0, isSent: false, isLastTry: false });
    this.#bytes += copy.record.lineEnd;
    this.#hashes.add(hashOf(copy.parts.id));
    return true;
  }

  /** Removes and returns the end that belongs to `start`, if it is waiting. */
  take(start: CallRecord): CallRecord | undefined {
    const end = this.#ends.get(callKey(start));
    return end === undefined || end.isSent ? undefined : this.#send(end, true);
  }

  /**
   * Removes and returns the ends that have waited long enough or exceed the limits; at the end of
   * the drain, all.
   */
  takeDue(): CallRecord[] {
    const now = this.#clock.monotonic();
    const due: CallRecord[] = [];
    let count = this.#ends.size, bytes = this.#bytes;
    for (const end of this.#ends.values()) {
      const isFull = count > MAX_HELD || bytes > MAX_HELD_BYTES;
      if (!end.isSent && (this.isLogRead || isFull || end.dueAt <= now)) {
        due.push(this.#send(end, this.isLogRead || isFull));
      }
      if (!end.isSent) continue;
      count--;
      bytes -= end.call.record.lineEnd;
    }
    return due;
  }

  /** Removes and returns all ends. */
  takeAll(): CallRecord[] {
    return [...this.#ends.values()].filter(({ isSent }) => !isSent)
      .map((end) => this.#send(end, true));
  }

  /** Returns the ends removed since the last call of this method: they are sent together. */
  taken(): readonly HeldEnd[] {
    const taken = this.#taken;
    this.#taken = [];
    return taken;
  }

  /**
   * Settles ends that were sent. Ends whose start the server does not know continue to wait.
   * @param refused Records that the server rejected.
   * @returns Permanently rejected records.
   */
  settle(sent: readonly HeldEnd[], refused: readonly DeadLetter[]): readonly DeadLetter[] {
    if (sent.length === 0) return refused;
    const waiting = new Set<number>();
    const unknown = new Set(
      refused.filter(({ status }) => status === 404).map(({ offset }) => offset),
    );
    for (const end of sent) {
      const { record } = end.call;
      if (end.isLastTry || !unknown.has(record.offset)) {
        this.#ends.delete(callKey(end.call));
        this.#bytes -= record.lineEnd;
        continue;
      }
      end.isSent = false;
      end.dueAt = this.#clock.monotonic() + CARRY_MS * 2 ** end.tries;
      waiting.add(record.offset);
    }
    this.#hashes = new Set([...this.#ends.values()].map(({ call }) => hashOf(call.parts.id)));
    return refused.filter(({ offset }) => !waiting.has(offset));
  }

  /** Discards all ends: they will be read again. */
  clear(): void {
    this.#ends.clear();
    this.#hashes.clear();
    this.#taken = [];
    this.#bytes = 0;
  }

  #send(end: HeldEnd, isLastTry: boolean): CallRecord {
    end.isSent = true;
    end.tries++;
    end.isLastTry = isLastTry || end.tries >= MAX_TRIES;
    this.#taken.push(end);
    return end.call;
  }
}
