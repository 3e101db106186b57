/**
 * The host's time and timers.
 *
 * @module
 */

import type { Clock, Timer } from "./runtime.ts";

/** The longest delay that a host's timer takes, ms; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;
/** The largest fraction that still rounds to the same ms at today's epoch times. */
const LAST_FRACTION = 1 - 2 ** -11;

type TimerHandle = ReturnType<typeof setTimeout>;
interface ImmediateSlice {
  setImmediate?: (run: () => void) => unknown;
}
interface DenoSlice {
  unrefTimer(handle: TimerHandle): void;
}

/**
 * Wall-clock ms with a fraction. `Date.now()` gives whole ms, too coarse to order calls, and
 * `performance.timeOrigin + performance.now()` stays wrong after a suspend or a change of the clock.
 * This takes the ms from the first (`date`) and the fraction from the second
 * (`monotonic`), moving the offset between the two whenever they disagree: `Math.floor` of the
 * result is always `date()`.
 */
export function wallClock(date: () => number, monotonic: () => number): () => number {
  let offset = date() - monotonic();
  return () => {
    const floor = date();
    const ticks = monotonic();
    const estimate = offset + ticks;
    const now = Math.min(Math.max(estimate, floor), floor + LAST_FRACTION);
    if (now !== estimate) offset = now - ticks;
    return now;
  };
}

class HostTimer implements Timer {
  #handle: TimerHandle | undefined;

  constructor(ms: number, run: () => void, ref: boolean) {
    this.#arm(ms, run, ref);
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  #arm(ms: number, run: () => void, ref: boolean): void {
    const rest = ms - MAX_DELAY_MS;
    const handle = rest > 0
      ? setTimeout(() => this.#arm(rest, run, ref), MAX_DELAY_MS)
      : setTimeout(run, ms);
    if (!ref) unref(handle);
    this.#handle = handle;
  }
}

/** Keeps a timer from holding the program; hosts that have no such thing do not need it. */
function unref(handle: TimerHandle): void {
  const timer: unknown = handle;
  if (typeof timer === "object" && timer !== null && "unref" in timer) {
    (timer as { unref(): void }).unref();
  } else {
    (globalThis as { Deno?: DenoSlice }).Deno?.unrefTimer(handle);
  }
}

/** The host's time and timers. */
export const systemClock: Clock = {
  now: wallClock(() => Date.now(), () => performance.now()),
  monotonic: () => performance.now(),
  after: (ms, run, options) => new HostTimer(ms, run, options?.ref ?? false),
  soon: (globalThis as ImmediateSlice).setImmediate &&
    ((run) => void (globalThis as ImmediateSlice).setImmediate!(run)),
};
