/**
 * Long work in slices, with turns of the event loop in between.
 *
 * @module
 */

import type { Clock } from "./runtime.ts";

/** Ms of work after which the event loop gets a turn. */
const SLICE_MS = 5;

/** Resolves after a turn of the event loop: timers, input and output that are due have been handled. */
export function yieldToEventLoop(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    if (clock.soon) clock.soon(resolve);
    else clock.after(0, resolve);
  });
}

/**
 * Bounds how long a loop of synchronous work holds the event loop.
 *
 * @example
 * ```ts
 * import { detectRuntime } from "./detect.ts";
 * import { Slices } from "./event_loop.ts";
 *
 * const slices = new Slices(detectRuntime().clock);
 * let sum = 0;
 * for (let n = 0; n < 1_000; n++) {
 *   sum += n;
 *   await slices.pause();
 * }
 * console.assert(sum === 499_500);
 * ```
 */
export class Slices {
  readonly #clock: Clock;
  #begunAt: number;

  /** Begins the first slice. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begunAt = clock.monotonic();
  }

  /** Gives the event loop a turn if this slice has lasted long enough; call it after each item. */
  async pause(): Promise<void> {
    if (this.#clock.monotonic() - this.#begunAt < SLICE_MS) return;
    await yieldToEventLoop(this.#clock);
    this.#begunAt = this.#clock.monotonic();
  }
}
