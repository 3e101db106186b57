/**
 * Limits how often a state that changes back and forth is logged.
 *
 * @module
 */

import type { Clock } from "../../../runtime/runtime.ts";

/** Minimum ms between two logs of the same state if it changed in between. */
export const QUIET_MS = 60_000;
/** Ms between two reminders of a persistent state. */
export const REMIND_MS = 300_000;

/**
 * Decides which changes of a state are logged at their normal level: a bad state immediately, but
 * at most once a minute; the good state if the last one logged is bad. The last log entry is
 * therefore at most a minute out of date.
 */
export class StateThrottle<State extends string> {
  readonly #clock: Clock;
  readonly #good: State;
  readonly #remindMs: number;
  /** Time at which each state was last logged, on the monotonic clock. */
  readonly #loggedAt = new Map<State, number>();
  #state: State;
  #last: State;

  /**
   * @param good The state that needs no log entry; also the initial state.
   * @param remindMs Ms after which a persistent state is logged again; `Infinity` for never.
   */
  constructor(clock: Clock, good: State, remindMs: number) {
    this.#clock = clock;
    this.#good = this.#state = this.#last = good;
    this.#remindMs = remindMs;
  }

  /** Sets the current state. Returns whether to log it at its normal level. */
  changed(state: State): boolean {
    this.#state = state;
    const isDue = state === this.#good ? this.#last !== state : this.#since(state) >= QUIET_MS;
    return isDue && this.#log();
  }

  /**
   * Returns whether to log the current state now, because it was suppressed or has lasted for long.
   */
  due(): boolean {
    if (this.#state === this.#good) return false;
    const wait = this.#last === this.#state ? this.#remindMs : QUIET_MS;
    return this.#since(this.#state) >= wait && this.#log();
  }

  #since(state: State): number {
    return this.#clock.monotonic() - (this.#loggedAt.get(state) ?? -Infinity);
  }

  #log(): true {
    this.#loggedAt.set(this.#state, this.#clock.monotonic());
    this.#last = this.#state;
    return true;
  }
}
