/**
 * Waiting that an event or a time limit ends.
 *
 * @module
 */

import type { Clock } from "../runtime/runtime.ts";

/** Lets one loop sleep until it is woken. */
export class Wakeup {
  readonly #clock: Clock;
  #resume: (() => void) | null = null;

  /** Makes a wakeup that nobody waits on. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether somebody waits. */
  get waiting(): boolean {
    return this.#resume !== null;
  }

  /** Resolves at the next `wake()`, or after `ms` where that is given. */
  wait(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? null : this.#clock.after(ms, () => this.wake());
      this.#resume = () => {
        timer?.cancel();
        resolve();
      };
    });
  }

  /** Wakes who waits. */
  wake(): void {
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  }
}

/** Lets a few hold a thing at once; the others wait in order. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param count How many may hold at once. */
  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves when the caller holds a slot. */
  async acquire(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a slot back. */
  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
