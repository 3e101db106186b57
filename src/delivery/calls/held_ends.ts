/**
 * Ends that wait for their starts.
 *
 * The Python SDK appends from several threads, so an end may be in the log before its start. The v2
 * calls API rejects it then, and the call would never end. Such an end waits a moment, and longer if
 * the server does not know its start: until that is read, until the log has ended and all of it was
 * read, or until so much time has passed that its start is not to be expected. What waits is not
 * acknowledged.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import { hashOf } from "./call_fields.ts";
import { callKey, type CallRecord, copyOf, isRepeat } from "./call_record.ts";
import { CARRY_MS } from "./pending_starts.ts";

/** Times that an end is sent while more may come into its log; the wait doubles each time. */
export const MAX_TRIES = 6;
/** Ends that may wait, and their bytes. */
export const MAX_HELD = 1_000, MAX_HELD_BYTES: number = 4 * 1024 * 1024;

/** An end that waits, or is in flight after it did. */
export interface HeldEnd {
  readonly call: CallRecord;
  dueAt: number;
  tries: number;
  isSent: boolean;
  /** Whether the response counts, whatever it is. */
  isLastTry: boolean;
}

/** The number and bytes of ends, and where the first of them is in its log. */
export interface HeldBefore {
  readonly count: number;
  readonly bytes: number;
  readonly oldestOffset: number | undefined;
}

/** The ends of one drain that wait. */
export class HeldEnds {
  readonly #clock: Clock;
  /** Those that wait and those in flight: both are not acknowledged. */
  readonly #ends = new Map<string, HeldEnd>();
  /** Hashes of their IDs. */
  #hashes = new Set<number>();
  #bytes = 0;
  /** Those that were taken since they were last asked for. */
  #taken: HeldEnd[] = [];
  /** Whether ends may wait: some writers append every start before its end. */
  readonly isEnabled: boolean;
  /** Whether everything in the log was read, and nothing comes any more. */
  isLogRead = false;

  /** Makes an empty one. */
  constructor(clock: Clock, isEnabled: boolean) {
    this.#clock = clock;
    this.isEnabled = isEnabled;
  }

  /** Ends that wait or are in flight. */
  get count(): number {
    return this.#ends.size;
  }

  /** Whether an end with an ID of this hash may wait. */
  mayHave(idHash: number): boolean {
    return this.#hashes.has(idHash);
  }

  /** Whether an end waits or is in flight that is the same, byte for byte. */
  repeats(call: CallRecord): boolean {
    const known = this.#ends.get(callKey(call));
    return known !== undefined && isRepeat(known.call, call);
  }

  /** Ms until one is due; `undefined` when none waits. */
  get dueIn(): number | undefined {
    let dueAt = Infinity;
    for (const end of this.#ends.values()) if (!end.isSent) dueAt = Math.min(dueAt, end.dueAt);
    if (dueAt === Infinity) return undefined;
    return this.isLogRead ? 0 : Math.max(0, dueAt - this.#clock.monotonic());
  }

  /** The ends that are in the log before `offset`. */
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

  /** Lets an end wait; `false` when it may not, or another end of its call does. */
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

  /** Takes the end that belongs to `start`, if it waits. */
  take(start: CallRecord): CallRecord | undefined {
    const end = this.#ends.get(callKey(start));
    return end === undefined || end.isSent ? undefined : this.#send(end, true);
  }

  /** Takes those that have waited long enough, or that there is no room for; in the end, all. */
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

  /** Takes all. */
  takeAll(): CallRecord[] {
    return [...this.#ends.values()].filter(({ isSent }) => !isSent)
      .map((end) => this.#send(end, true));
  }

  /** The ends that were taken since the last call of this method: they are sent together. */
  taken(): readonly HeldEnd[] {
    const taken = this.#taken;
    this.#taken = [];
    return taken;
  }

  /**
   * The ends were sent. Those whose start the server does not know go on waiting.
   *
   * @param refused What the server rejected.
   * @returns What it rejected for good.
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

  /** Forgets all: they are read again. */
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
