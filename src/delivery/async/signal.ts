/**
 * Waits that end at an event or a time limit.
 * @module
 */

import { onAbort } from "./on_abort.ts";
import type { Clock } from "../../runtime/runtime.ts";

/** Wakes a single waiting loop. */
export class Signal {
  readonly #clock: Clock;
  #resume: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether there is a waiter. */
  get waiting(): boolean {
    return this.#resume !== null;
  }

  /** Resolves at the next `wake()`, or after `ms` if given. */
  wait(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? null : this.#clock.after(ms, () => this.wake());
      this.#resume = () => {
        timer?.cancel();
        resolve();
      };
    });
  }

  /** Wakes the waiter. */
  wake(): void {
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  }
}

/** Limits the number of concurrent holders; others wait in order. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param count Maximum number of holders. */
  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Resolves with `true` when the caller has acquired a slot, with `false` if it was stopped first.
   */
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

  /** Releases a slot. */
  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
