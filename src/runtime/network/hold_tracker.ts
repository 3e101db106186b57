/**
 * How long requests have been keeping the program alive.
 *
 * @module
 */

import { shared } from "../process/shared_state.ts";

/** Ms after the end of a request in which the program is still taken to have been held by it. */
const JUST_NOW_MS = 100;

/**
 * Counts work that keeps the program alive. A program that has nothing else to do ends as soon as
 * such work does; how long that took belongs to the time that its exit may take.
 */
export class HoldTracker {
  #count = 0;
  #since = 0;
  #until = -Infinity;
  #idle: (() => void)[] = [];

  /** How many pieces of work are under way. */
  get count(): number {
    return this.#count;
  }

  /** When the first piece of the work under way began, on the monotonic clock. */
  get since(): number {
    return this.#since;
  }

  /** Work began. Returns what to call at its end; a second call does nothing. */
  begin(now: () => number): () => void {
    if (this.#count++ === 0) this.#since = now();
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

  /** Ms that work has kept the program alive without a gap up to `now`; 0 where it does not. */
  heldMs(now: number): number {
    if (this.#count > 0) return now - this.#since;
    return now - this.#until < JUST_NOW_MS ? this.#until - this.#since : 0;
  }
}

/** Requests of the whole process, of all copies of the package. */
export const requestHolds: HoldTracker = shared("request-holds", () => new HoldTracker());
