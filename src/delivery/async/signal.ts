/**
 * Waiting that an event or a time limit ends.
 *
 * @module
 */

import { onAbort } from "./on_abort.ts";
import type { Clock } from "../../runtime/runtime.ts";

/** Lets one loop sleep until it is woken. */
export class Signal {
  readonly #clock: Clock;
  #resume: (() => void) | null = null;

  /** Makes a signal that nobody waits on. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether there are waiters. */
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
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param count How many may hold at once. */
  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves with `true` when the caller holds a slot, with `false` when it was stopped first. */
  async acquire(stop: AbortSignal): Promise<boolean> {
    if (stop.aborted) return false;
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    return await new Promise<boolean>((resolve) => {
      const take = (): void => {
        forget();
        resolve(true);
      };
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        resolve(false);
      };
      const forget = onAbort(stop, giveUp);
      this.#waiting.push(take);
    });
  }

  /** Gives a slot back. */
  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
