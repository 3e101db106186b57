/**
 * Starts that wait a moment for their ends.
 *
 * Most calls end soon after they start, but rarely in the same batch. A start sent by itself costs a
 * request, and its end costs another; a start that waits is sent with its end, as one
 * element of a batch. What waits is not acknowledged.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import { hashOf } from "./call_fields.ts";
import { callKey, type CallRecord, copyOf, isRepeat } from "./call_record.ts";

/** Ms that a start waits for its end before it is sent without it, so that a running call is seen. */
export const CARRY_MS = 2_000;
/** Starts that may wait. */
export const MAX_CARRIED = 5_000;
/** Bytes of starts that may wait. */
export const MAX_CARRIED_BYTES: number = 8 * 1024 * 1024;

interface Carried {
  readonly call: CallRecord;
  readonly since: number;
}

/** The starts of one drain that wait, oldest first. */
export class PendingStarts {
  readonly #clock: Clock;
  readonly #starts = new Map<string, Carried>();
  /** Hashes of their IDs, and how many have each. */
  readonly #hashes = new Map<number, number>();
  #bytes = 0;

  /** Makes an empty one. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts that wait. */
  get count(): number {
    return this.#starts.size;
  }

  /** Bytes of their lines. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Byte offset of the oldest in its segment; `undefined` when none waits. */
  get oldestOffset(): number | undefined {
    return this.#oldest()?.call.record.offset;
  }

  /** Ms until the oldest is due; `undefined` when none waits. */
  get dueIn(): number | undefined {
    const oldest = this.#oldest();
    return oldest && Math.max(0, oldest.since + CARRY_MS - this.#clock.monotonic());
  }

  /** Whether a start with an ID of this hash may wait. */
  mayHave(idHash: number): boolean {
    return this.#hashes.has(idHash);
  }

  /** Whether a start waits that is the same, byte for byte. */
  repeats(call: CallRecord): boolean {
    const known = this.#starts.get(callKey(call));
    return known !== undefined && isRepeat(known.call, call);
  }

  /** Lets a start wait; `false` when one with its id waits already. */
  add(call: CallRecord): boolean {
    const key = callKey(call);
    if (this.#starts.has(key)) return false;
    const copy = copyOf(call);
    this.#starts.set(key, { call: copy, since: this.#clock.monotonic() });
    this.#bytes += copy.record.lineEnd;
    const hash = hashOf(call.parts.id);
    this.#hashes.set(hash, (this.#hashes.get(hash) ?? 0) + 1);
    return true;
  }

  /** Takes the start of the call that a record is about, if it waits. */
  take(call: CallRecord): CallRecord | undefined {
    const key = callKey(call);
    const carried = this.#starts.get(key);
    if (carried === undefined) return undefined;
    this.#starts.delete(key);
    this.#bytes -= carried.call.record.lineEnd;
    const hash = hashOf(carried.call.parts.id);
    const others = this.#hashes.get(hash)! - 1;
    if (others === 0) this.#hashes.delete(hash);
    else this.#hashes.set(hash, others);
    return carried.call;
  }

  /** Takes those that have waited long enough, or that there is no room for. */
  takeDue(): CallRecord[] {
    const due: CallRecord[] = [];
    for (let next = this.#oldest(); next; next = this.#oldest()) {
      const full = this.count > MAX_CARRIED || this.bytes > MAX_CARRIED_BYTES;
      if (!full && this.#clock.monotonic() - next.since < CARRY_MS) break;
      due.push(next.call);
      this.take(next.call);
    }
    return due;
  }

  /** Takes all. */
  takeAll(): CallRecord[] {
    const all = [...this.#starts.values()].map(({ call }) => call);
    this.#starts.clear();
    this.#hashes.clear();
    this.#bytes = 0;
    return all;
  }

  #oldest(): Carried | undefined {
    return this.#starts.values().next().value;
  }
}
