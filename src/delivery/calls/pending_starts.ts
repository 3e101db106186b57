/**
 * Starts that wait briefly for their ends.
 * Most calls end soon after they start, but rarely in the same batch. Sending a start and its end
 * separately costs two requests; a start that waits is sent with its end, as one batch item.
 * Waiting starts are not acknowledged.
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import { hashOf } from "./call_fields.ts";
import { callKey, type CallRecord, copyOf, isRepeat } from "./call_record.ts";

/**
 * Ms that a start waits for its end before it is sent without it, so that running calls are
 * visible.
 */
export const CARRY_MS = 2_000;
/** Maximum number of waiting starts. */
export const MAX_CARRIED = 5_000;
/** Maximum bytes of waiting starts. */
export const MAX_CARRIED_BYTES: number = 8 * 1024 * 1024;

const NONE: readonly number[] = [];

interface Carried {
  readonly call: CallRecord;
  readonly since: number;
}

/** Waiting starts of one drain, oldest first. */
export class PendingStarts {
  readonly #clock: Clock;
  readonly #starts = new Map<string, Carried>();
  /** Hashes of their IDs, and the number of starts with each. */
  readonly #hashes = new Map<number, number>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Number of waiting starts. */
  get count(): number {
    return this.#starts.size;
  }

  /** Size of their lines, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Byte offset of the oldest start in its segment; `undefined` if none waits. */
  get oldestOffset(): number | undefined {
    return this.#oldest()?.call.record.offset;
  }

  /** Byte offsets of all of them in the segment. */
  get offsets(): readonly number[] {
    return this.count === 0
      ? NONE
      : [...this.#starts.values()].map(({ call }) => call.record.offset);
  }

  /** Ms until the oldest start is due; `undefined` if none waits. */
  get dueIn(): number | undefined {
    const oldest = this.#oldest();
    return oldest && Math.max(0, oldest.since + CARRY_MS - this.#clock.monotonic());
  }

  /** Returns whether a start with an ID of this hash may be waiting. */
  mayHave(idHash: number): boolean {
    return this.#hashes.has(idHash);
  }

  /** Returns whether a byte-for-byte identical start is waiting. */
  repeats(call: CallRecord): boolean {
    const known = this.#starts.get(callKey(call));
    return known !== undefined && isRepeat(known.call, call);
  }

  /** Adds a start; returns `false` if a start with its id is already waiting. */
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

  /** Removes and returns the start of a record's call, if it is waiting. */
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

  /** Removes and returns the starts that have waited long enough or exceed the limits. */
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

  /** Removes and returns all starts. */
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
