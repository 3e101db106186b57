/**
 * Measures how long requests have kept the program alive.
 *
 * @module
 */

import { shared } from "../process/shared_state.ts";

/** Ms after the end of a request in which the program is still taken to have been held by it. */
const JUST_NOW_MS = 100;
/** Ms without work after which the host must have noticed that the program may end. */
export const GAP_MS = 10;

/**
 * Counts work that keeps the program alive. A program that has nothing else to do ends as soon as
 * such work does; how long that took belongs to the time that its exit may take.
 */
export class HoldTracker {
  #count = 0;
  #since = 0;
  #until = -Infinity;
  #idle: (() => void)[] = [];
  /** Ms that work kept the program alive before it had nothing else to do; 0 while it goes on. */
  heldAtExitMs = 0;

  /** Number of operations in progress. */
  get count(): number {
    return this.#count;
  }

  /** When the work under way began, without a gap since then, on the monotonic clock. */
  get since(): number {
    return this.#since;
  }

  /** Work began. Returns what to call at its end; a second call does nothing. */
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

  /** Resolves when no work is under way. */
  async idle(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** The program has nothing left to do: notes how long work may have kept it alive before. */
  exiting(now: number): void {
    const since = this.#count > 0 || now - this.#until < JUST_NOW_MS ? this.#since : now;
    this.heldAtExitMs = now - since;
  }
}

/** Requests of the whole process, of all copies of the package. */
export const requestHolds: HoldTracker = shared("request-holds", () => new HoldTracker());
