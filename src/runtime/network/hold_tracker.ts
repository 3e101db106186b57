/**
 * Measures how long requests have kept the program alive.
 *
 * @module
 */

import { shared } from "../process/shared_state.ts";

/** Ms after the end of a request in which it still counts as having kept the program alive. */
const JUST_NOW_MS = 100;
/** Ms without work after which the runtime must have noticed that the program can end. */
export const GAP_MS = 10;

/**
 * Counts work that keeps the program alive. A program with nothing else to do ends as soon as such
 * work does; the time that took counts towards the limit for its exit.
 */
export class HoldTracker {
  #count = 0;
  #since = 0;
  #until = -Infinity;
  #idle: (() => void)[] = [];
  /**
   * Ms for which work kept the program alive before it had nothing else to do; 0 while it
   * continues.
   */
  heldAtExitMs = 0;

  /** Number of operations in progress. */
  get count(): number {
    return this.#count;
  }

  /** Time at which the current work began, without a gap since then, on the monotonic clock. */
  get since(): number {
    return this.#since;
  }

  /**
   * Registers the start of work. Returns a function to call at its end; further calls do nothing.
   */
  begin(now: () => number): () => void {
    const begun = now();
    if (this.#count++ === 0 && begun - this.#until >= GAP_MS) this.#since = begun;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      if (--this.#count > 0) return;
      this.#until = now();
      const idle = this.#idle;
      this.#idle = [];
      for (const resolve of idle) resolve();
    };
  }

  /** Resolves when no work is in progress. */
  async idle(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Notes that the program has nothing left to do, and how long work may have kept it alive. */
  exiting(now: number): void {
    const since = this.#count > 0 || now - this.#until < JUST_NOW_MS ? this.#since : now;
    this.heldAtExitMs = now - since;
  }
}

/** The requests of the whole process, across all copies of the package. */
export const requestHolds: HoldTracker = shared("request-holds", () => new HoldTracker());
