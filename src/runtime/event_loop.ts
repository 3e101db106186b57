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

/** Splits a list into the items that pass a test and those that do not, without holding the event loop. */
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

/** Items that are sorted at once. */
const SORT_CHUNK = 1_024;

/** Sorts, like `items.toSorted(compare)`, without holding the event loop. */
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
