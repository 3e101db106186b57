/**
 * Ends that wait for their starts.
 * The Python SDK appends from several threads, so an end may precede its start in the log; of a call
 * that passes through several relays, the start may be in another log. The v2 calls API would reject
 * such an end, and the call would stay unfinished. The end therefore waits until its start is read,
 * until the server has it, or until it is no longer expected. Waiting ends are not acknowledged.
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import { hashOf } from "./call_fields.ts";
import { callKey, type CallRecord, copyOf, isRepeat } from "./call_record.ts";
import { CARRY_MS } from "./pending_starts.ts";

/** Places of the start of an end, other than before it in its log. */
export interface StartPlaces {
  /** Later in the same log: the end waits before it is sent, at most until its log is read. */
  readonly laterInLog: boolean;
  /** In another log: the end waits if the server does not have the start. */
  readonly otherLogs: boolean;
}

/**
 * Maximum number of responses without the start of an end; the wait doubles each time, to eight and
 * a half minutes in all.
 */
export const MAX_TRIES = 8;
/** Maximum exponent of the wait while the server cannot be asked. */
const MAX_UNDECIDED = 5;
/** Maximum number of waiting ends, and their maximum bytes. */
export const MAX_HELD = 10_000, MAX_HELD_BYTES: number = 16 * 1024 * 1024;

/** End that is waiting, or in flight after waiting. */
export interface HeldEnd {
  readonly call: CallRecord;
  dueAt: number;
  /** Number of attempts in which the server did not have the start. */
  tries: number;
  /** Number of attempts in a row in which it could not be asked. */
  undecided: number;
  isSent: boolean;
  /** Whether the response is final, whatever it is. */
  isLastTry: boolean;
}

/** Ends, by their byte offsets in the log. */
export interface HeldBefore {
  /** Offsets of all of them. */
  readonly offsets: readonly number[];
  /** Their size in bytes. */
  readonly bytes: number;
  /** Offset of the first. */
  readonly oldestOffset: number | undefined;
  /** Offset of the first that was never sent. */
  readonly oldestUnsent: number | undefined;
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
  readonly #places: StartPlaces;
  /** Whether the log was read completely and will not grow. */
  isLogRead = false;

  constructor(clock: Clock, places: StartPlaces) {
    this.#clock = clock;
    this.#places = places;
  }

  /** Number of ends that are waiting or in flight. */
  get count(): number {
    return this.#ends.size;
  }

  /** Returns whether an end with an ID of this hash may be waiting. */
  mayHave(idHash: number): boolean {
    return this.#hashes.has(idHash);
  }

  /** Returns whether an end of this call is waiting or in flight. */
  has(end: CallRecord): boolean {
    return this.#ends.has(callKey(end));
  }

  /** Returns whether a byte-for-byte identical end is waiting or in flight. */
  repeats(call: CallRecord): boolean {
    const known = this.#ends.get(callKey(call));
    return known !== undefined && isRepeat(known.call, call);
  }

  /** Ms until an end is due; `undefined` if none waits. */
  get dueIn(): number | undefined {
    let dueAt = Infinity;
    for (const end of this.#ends.values()) {
      if (!end.isSent) dueAt = Math.min(dueAt, this.#dueAt(end));
    }
    return dueAt === Infinity ? undefined : Math.max(0, dueAt - this.#clock.monotonic());
  }

  /** Returns the ends before `offset` in the log. */
  before(offset: number): HeldBefore {
    const offsets: number[] = [];
    let bytes = 0;
    let oldestOffset: number | undefined, oldestUnsent: number | undefined;
    for (const { call: { record }, tries, undecided } of this.#ends.values()) {
      if (record.offset >= offset) continue;
      offsets.push(record.offset);
      bytes += record.lineEnd;
      oldestOffset = Math.min(oldestOffset ?? Infinity, record.offset);
      if (tries + undecided === 0) {
        oldestUnsent = Math.min(oldestUnsent ?? Infinity, record.offset);
      }
    }
    return { offsets, bytes, oldestOffset, oldestUnsent };
  }

  /** Makes an end wait; returns `false` if it may not, or if another end of its call is waiting. */
  hold(call: CallRecord): boolean {
    const key = callKey(call);
    const { laterInLog, otherLogs } = this.#places;
    const mayFollow = laterInLog && !this.isLogRead;
    if (!(mayFollow || otherLogs) || this.#ends.has(key)) return false;
    const copy = copyOf(call);
    const dueAt = this.#clock.monotonic() + (mayFollow ? CARRY_MS : 0);
    const end = { call: copy, dueAt, tries: 0, undecided: 0, isSent: false, isLastTry: false };
    this.#ends.set(key, end);
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
      const isFull = isOverLimit(count, bytes);
      if (!end.isSent && (isFull || this.#dueAt(end) <= now)) {
        due.push(this.#send(end, this.#isNoneExpected));
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
   * Settles ends that were sent. Ends whose start the server does not know continue to wait, the
   * latest ones if there are too many.
   * @param failed Records that the server rejected, and ends that began to wait meanwhile.
   * @returns Permanently rejected records.
   */
  settle(sent: readonly HeldEnd[], failed: readonly DeadLetter[]): readonly DeadLetter[] {
    const refused = failed.filter(({ isHeld = false }) => !isHeld);
    if (sent.length === 0) return refused;
    const waiting = new Set<number>();
    const unknown = new Map(
      refused.filter(({ status }) => status === 404)
        .map(({ offset, isUndecided = false }): [number, boolean] => [offset, isUndecided]),
    );
    for (const end of sent) {
      const { record } = end.call;
      const isUndecided = unknown.get(record.offset);
      const isFinal = isUndecided === undefined || (end.isLastTry && !isUndecided);
      if (isFinal || isOverLimit(this.#ends.size, this.#bytes)) {
        this.#ends.delete(callKey(end.call));
        this.#bytes -= record.lineEnd;
        continue;
      }
      end.isSent = false;
      if (isUndecided) end.tries--;
      end.undecided = isUndecided ? end.undecided + 1 : 0;
      const doublings = end.tries + Math.min(end.undecided, MAX_UNDECIDED);
      end.dueAt = this.#clock.monotonic() + CARRY_MS * 2 ** doublings;
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

  /** Whether a missing start can no longer arrive. */
  get #isNoneExpected(): boolean {
    return this.isLogRead && !this.#places.otherLogs;
  }

  #dueAt({ dueAt, undecided }: HeldEnd): number {
    return this.#isNoneExpected && undecided === 0 ? -Infinity : dueAt;
  }

  #send(end: HeldEnd, isLastTry: boolean): CallRecord {
    end.isSent = true;
    end.tries++;
    end.isLastTry = isLastTry || end.tries >= MAX_TRIES;
    this.#taken.push(end);
    return end.call;
  }
}

function isOverLimit(count: number, bytes: number): boolean {
  return count > MAX_HELD || bytes > MAX_HELD_BYTES;
}
