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
 * Virtual time, shared by simulated processes. Timers fire in the order of their times, those of
 * one time in the order in which they were set.
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

  /** @param start Wall-clock time at the beginning, epoch ms. */
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

  /** Ms from now to the next timer; `undefined` when none waits. */
  get next(): number | undefined {
    return this.#entries.length === 0 ? undefined : this.#entries[0].at - this.#elapsed;
  }

  /** Moves to the next timer and fires it; `false` when none waits. Promises settle afterwards. */
  runNext(): boolean {
    const entry = this.#entries.shift();
    if (!entry) return false;
    this.#elapsed = entry.at;
    entry.run();
    return true;
  }

  /**
   * Moves by `ms` and fires what is due, synchronously: a timer that is set by a promise's
   * continuation comes too late. See {@linkcode elapse}.
   */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    while (this.#entries.length > 0 && this.#entries[0].at <= end) this.runNext();
    this.#elapsed = end;
  }

  /**
   * Moves by `ms` and fires what is due, and lets promises settle before, between and after the
   * timers, so that a timer set on the way is fired as well.
   *
   * @param settle Waits until nothing more happens by itself; by default one turn of the host's
   * event loop, which ends every chain of promises that waits for nothing outside.
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

  /** Sets the wall clock forward, or back when `ms` is negative; `monotonic` and timers stay. */
  jump(ms: number): void {
    this.#wall += ms;
  }
}

/** A timer takes a millisecond at least; where the host has something quicker, an hour passes sooner. */
const { setImmediate: soon = (run: () => void): unknown => setTimeout(run, 0) } = globalThis as {
  setImmediate?: (run: () => void) => unknown;
};

function turn(): Promise<void> {
  return new Promise((resolve) => void soon(resolve));
}
