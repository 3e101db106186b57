/**
 * A clock that moves only when a test moves it.
 *
 * @module
 */

import type { Clock, Timer } from "../../../src/runtime/runtime.ts";

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Virtual time, shared by simulated processes. Timers fire in order of their due times; those due
 * at the same time fire in the order in which they were set.
 *
 * @example
 * ```ts
 * import { MemoryClock } from "./memory_clock.ts";
 *
 * const clock = new MemoryClock();
 * const fired: string[] = [];
 * clock.after(20, () => fired.push("late"));
 * clock.after(10, () => fired.push("early"));
 * clock.advance(15);
 * console.assert(fired.join() === "early");
 * ```
 */
export class MemoryClock implements Clock {
  #elapsed = 0;
  #wall: number;
  #order = 0;
  #entries: Entry[] = [];

  /** @param start Initial wall-clock time, epoch ms. */
  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#wall = start;
  }

  now(): number {
    return this.#wall + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, run: () => void): Timer {
    const entry: Entry = { at: this.#elapsed + Math.max(0, ms || 0), order: this.#order++, run };
    let index = this.#entries.length;
    while (index > 0 && this.#entries[index - 1].at > entry.at) index--;
    this.#entries.splice(index, 0, entry);
    return {
      cancel: () => {
        const found = this.#entries.indexOf(entry);
        if (found >= 0) this.#entries.splice(found, 1);
      },
    };
  }

  /** Number of pending timers. */
  get pending(): number {
    return this.#entries.length;
  }

  /** Ms until the next timer; `undefined` if there is none. */
  get next(): number | undefined {
    return this.#entries.length === 0 ? undefined : this.#entries[0].at - this.#elapsed;
  }

  /**
   * Advances to the next timer and fires it; returns `false` if there is none. Promises
   * settle afterwards.
   */
  runNext(): boolean {
    const entry = this.#entries.shift();
    if (!entry) return false;
    this.#elapsed = entry.at;
    entry.run();
    return true;
  }

  /**
   * Advances by `ms` and fires the timers that are due, synchronously: timers set by a
   * promise's continuation are missed. See {@linkcode elapse}.
   */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    while (this.#entries.length > 0 && this.#entries[0].at <= end) this.runNext();
    this.#elapsed = end;
  }

  /**
   * Advances by `ms` and fires the timers that are due. Promises settle before, between
   * and after the timers, so that timers set meanwhile fire as well.
   *
   * @param settle Waits until nothing more happens by itself; by default one turn of the
   * host's event loop, which completes every chain of promises that does not wait for
   * anything external.
   */
  async elapse(ms: number, settle: () => Promise<void> = turn): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    while (this.#entries.length > 0 && this.#entries[0].at <= end) {
      this.runNext();
      await settle();
    }
    this.#elapsed = end;
  }

  /**
   * Moves the wall clock forward, or back if `ms` is negative; `monotonic` and timers are
   * unaffected.
   */
  jump(ms: number): void {
    this.#wall += ms;
  }
}

/**
 * A timer takes at least a millisecond; `setImmediate`, where available, makes an hour
 * pass faster.
 */
const { setImmediate: soon = (run: () => void): unknown => setTimeout(run, 0) } = globalThis as {
  setImmediate?: (run: () => void) => unknown;
};

function turn(): Promise<void> {
  return new Promise((resolve) => void soon(resolve));
}
