/**
 * Splits long work into slices, and yields to the event loop in between.
 *
 * @module
 */

import type { Clock } from "./runtime.ts";

/** Ms of work after which to yield to the event loop. */
const SLICE_MS = 5;

/** Resolves after a turn of the event loop: pending timers and I/O have been handled. */
function yieldToEventLoop(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    if (clock.soon) clock.soon(resolve);
    else clock.after(0, resolve);
  });
}

/**
 * Bounds how long synchronous work in a loop blocks the event loop.
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

  /** Starts the first slice. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begunAt = clock.monotonic();
  }

  /** Yields to the event loop if this slice has lasted long enough. Call it after each item. */
  async pause(): Promise<void> {
    if (this.#clock.monotonic() - this.#begunAt < SLICE_MS) return;
    await yieldToEventLoop(this.#clock);
    this.#begunAt = this.#clock.monotonic();
  }
}

/**
 * Splits a list into items that pass a test and items that do not, without blocking the event loop.
 */
export async function partitionInSlices<Item>(
  items: readonly Item[],
  test: (item: Item) => boolean,
  clock: Clock,
): Promise<[passed: Item[], others: Item[]]> {
  const slices = new Slices(clock);
  const passed: Item[] = [];
  const others: Item[] = [];
  for (const item of items) {
    await slices.pause();
    (test(item) ? passed : others).push(item);
  }
  return [passed, others];
}

/** Number of items sorted at once. */
const SORT_CHUNK = 1_024;

/** Sorts like `items.toSorted(compare)`, without blocking the event loop. */
export async function sortInSlices<Item>(
  items: readonly Item[],
  compare: (a: Item, b: Item) => number,
  clock: Clock,
): Promise<Item[]> {
  const slices = new Slices(clock);
  let runs: Item[][] = [];
  for (let at = 0; at < items.length; at += SORT_CHUNK) {
    await slices.pause();
    runs.push(items.slice(at, at + SORT_CHUNK).sort(compare));
  }
  while (runs.length > 1) {
    const merged: Item[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(
        at + 1 < runs.length ? await merge(runs[at], runs[at + 1], compare, slices) : runs[at],
      );
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<Item>(
  left: readonly Item[],
  right: readonly Item[],
  compare: (a: Item, b: Item) => number,
  slices: Slices,
): Promise<Item[]> {
  const merged: Item[] = [];
  for (let l = 0, r = 0; l < left.length || r < right.length;) {
    if (merged.length % SORT_CHUNK === 0) await slices.pause();
    const fromLeft = r === right.length || (l < left.length && compare(left[l], right[r]) <= 0);
    merged.push(fromLeft ? left[l++] : right[r++]);
  }
  return merged;
}
