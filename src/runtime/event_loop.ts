/**
 * Splits long work into slices, and yields to the event loop in between.
 *
 * @module
 */

import type { Clock } from "./runtime.ts";

/** Ms of work after which to yield to the event loop. */
const SLICE_MS = 5;

/**
 * The sliced work between two turns of the event loop, of whatever several tasks do at once: together
 * they take one slice, not one each.
 */
class Turn {
  /**
   * When the first work since the last turn began, on the monotonic clock; `null` if none has. Unless
   * it is `null`, `#end` is about to be called, if the clock has `soon`.
   */
  #begunAt: number | null = null;
  /** Tasks that wait for a turn, the first for the next one. */
  readonly #waiting: (() => void)[] = [];

  /** Begins the turn with the current work, unless other work has begun it. */
  join(clock: Clock): void {
    if (this.#begunAt === null) this.#begin(clock.monotonic(), clock);
  }

  /** Returns whether the work since the last turn has lasted long enough. */
  isOver(clock: Clock): boolean {
    const now = clock.monotonic();
    if (this.#begunAt === null) this.#begin(now, clock);
    return now - this.#begunAt! >= SLICE_MS;
  }

  /** Resolves in a later turn that no other task has been given. */
  next(clock: Clock): Promise<void> {
    this.join(clock);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!clock.soon) clock.after(0, () => this.#end(clock));
    });
  }

  #begin(now: number, clock: Clock): void {
    this.#begunAt = now;
    clock.soon?.(() => this.#end(clock));
  }

  #end(clock: Clock): void {
    this.#begunAt = null;
    const resume = this.#waiting.shift();
    if (resume === undefined) return;
    this.#begin(clock.monotonic(), clock);
    resume();
  }
}

/** The turns of clocks that can tell when the event loop has turned. */
const turns = new WeakMap<Clock, Turn>();

function turnOf(clock: Clock): Turn {
  // Without `soon`, the end of a turn is not noticed, so that each task has its own time.
  if (!clock.soon) return new Turn();
  let turn = turns.get(clock);
  if (turn === undefined) turns.set(clock, turn = new Turn());
  return turn;
}

/** Makes the work that is sliced with `clock` and with `other` share the turns of the event loop. */
export function shareTurns(clock: Clock, other: Clock): void {
  turns.set(clock, turnOf(other));
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
 *   if (slices.isOver) await slices.next();
 *   sum += n;
 * }
 * console.assert(sum === 499_500);
 * ```
 */
export class Slices {
  readonly #clock: Clock;
  readonly #turn: Turn;

  /** Joins the slice of the current turn of the event loop. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#turn = turnOf(clock);
    this.#turn.join(clock);
  }

  /**
   * Whether this slice has lasted long enough. Ask before each item: a call that waits at once would
   * make a promise for each.
   */
  get isOver(): boolean {
    return this.#turn.isOver(this.#clock);
  }

  /** Resolves when the next slice may begin: pending timers and I/O have been handled. */
  next(): Promise<void> {
    return this.#turn.next(this.#clock);
  }
}

/** Calls `visit` for each item, without blocking the event loop. */
export async function visitInSlices<Item>(
  items: Iterable<Item>,
  visit: (item: Item) => void,
  clock: Clock,
): Promise<void> {
  const slices = new Slices(clock);
  for (const item of items) {
    if (slices.isOver) await slices.next();
    visit(item);
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
    if (slices.isOver) await slices.next();
    (test(item) ? passed : others).push(item);
  }
  return [passed, others];
}

/** Numbers of items that are sorted, and merged, before the time is looked at. */
const SORT_CHUNK = 1_024, MERGE_CHUNK = 64;

/** Sorts like `items.toSorted(compare)`, without blocking the event loop. */
export async function sortInSlices<Item>(
  items: readonly Item[],
  compare: (a: Item, b: Item) => number,
  clock: Clock,
): Promise<Item[]> {
  const slices = new Slices(clock);
  let runs: Item[][] = [];
  for (let at = 0; at < items.length; at += SORT_CHUNK) {
    if (slices.isOver) await slices.next();
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
    if (merged.length % MERGE_CHUNK === 0 && slices.isOver) await slices.next();
    const fromLeft = r === right.length || (l < left.length && compare(left[l], right[r]) <= 0);
    merged.push(fromLeft ? left[l++] : right[r++]);
  }
  return merged;
}
