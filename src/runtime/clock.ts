/**
 * Time and timers of the JavaScript runtime.
 *
 * @module
 */

import { hostTime } from "./host_time.ts";
import type { Clock, Timer } from "./runtime.ts";

/** Maximum delay of a timer, ms; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;
/** Largest fraction that does not round up to the next ms at today's epoch times. */
const LAST_FRACTION = 1 - 2 ** -11;

const time = hostTime();

type TimerHandle = ReturnType<typeof setTimeout>;
interface DenoSlice {
  unrefTimer(handle: TimerHandle): void;
}

/**
 * Returns wall-clock ms with a fraction. `Date.now()` gives whole ms, too coarse to order calls,
 * and `performance.timeOrigin + performance.now()` stays wrong after a suspend or a clock change.
 *
 * The ms come from the first clock (`date`) and the fraction from the second (`monotonic`); the
 * offset between the two is corrected whenever they disagree. `Math.floor` of the result is always
 * `date()`.
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
    time.clearTimeout(this.#handle);
  }

  #arm(ms: number, run: () => void, ref: boolean): void {
    const rest = ms - MAX_DELAY_MS;
    const handle = rest > 0
      ? time.setTimeout(() => this.#arm(rest, run, ref), MAX_DELAY_MS)
      : time.setTimeout(run, ms);
    if (!ref) unref(handle);
    this.#handle = handle;
  }
}

/** Prevents a timer from keeping the program alive, if the runtime supports that. */
function unref(handle: TimerHandle): void {
  const timer: unknown = handle;
  if (typeof timer === "object" && timer !== null && "unref" in timer) {
    (timer as { unref(): void }).unref();
  } else {
    (globalThis as { Deno?: DenoSlice }).Deno?.unrefTimer(handle);
  }
}

/** Time and timers of the JavaScript runtime. */
export const systemClock: Clock = {
  now: wallClock(time.dateNow, time.performanceNow),
  monotonic: time.performanceNow,
  after: (ms, run, options) => new HostTimer(ms, run, options?.ref ?? false),
  soon: time.setImmediate && ((run) => void time.setImmediate!(run)),
};
