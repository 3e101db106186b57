/**
 * How often a state is said that comes and goes.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";

/** Ms after which the same state is said again at the earliest when it has changed meanwhile. */
export const QUIET_MS = 60_000;
/** Ms between two reminders of a state that lasts. */
export const REMIND_MS = 300_000;

/**
 * Decides which changes of a state are said aloud: a bad one at once, but once a minute at most; the
 * good one when the last that was said is a bad one. So the last word is at most a minute old.
 */
export class StateThrottle<State extends string> {
  readonly #clock: Clock;
  readonly #good: State;
  readonly #remindMs: number;
  /** When each state was last said, on the monotonic clock. */
  readonly #said = new Map<State, number>();
  #state: State;
  #last: State;

  /**
   * @param good The state in which there is nothing to say; the first one.
   * @param remindMs Ms after which one that lasts is said again; `Infinity` for never.
   */
  constructor(clock: Clock, good: State, remindMs: number) {
    this.#clock = clock;
    this.#good = this.#state = this.#last = good;
    this.#remindMs = remindMs;
  }

  /** The state is this one now. Returns whether to say so aloud. */
  changed(state: State): boolean {
    this.#state = state;
    const aloud = state === this.#good ? this.#last !== state : this.#since(state) >= QUIET_MS;
    return aloud && this.#say();
  }

  /** Whether the state that lasts is to be said now: it was passed over, or long ago. */
  due(): boolean {
    if (this.#state === this.#good) return false;
    const wait = this.#last === this.#state ? this.#remindMs : QUIET_MS;
    return this.#since(this.#state) >= wait && this.#say();
  }

  #since(state: State): number {
    return this.#clock.monotonic() - (this.#said.get(state) ?? -Infinity);
  }

  #say(): true {
    this.#said.set(this.#state, this.#clock.monotonic());
    this.#last = this.#state;
    return true;
  }
}
