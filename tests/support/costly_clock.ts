/**
 * A clock on which only the work of a test takes time, for tests of how much is done between two
 * turns of the event loop.
 *
 * @module
 */

import type { Clock } from "../../src/runtime/runtime.ts";

/** A timer takes at least a millisecond. */
const { setImmediate: later = (run: () => void): unknown => setTimeout(run, 0) } = globalThis as {
  setImmediate?: (run: () => void) => unknown;
};

/** The clock, and what the work on it took. */
export interface CostlyClock {
  readonly clock: Clock;
  /** Lets work take this long. */
  readonly spend: (ms: number) => void;
  /** The most ms that work has taken between two turns of the event loop so far. */
  readonly longest: () => number;
}

/** Makes a clock that only `spend` moves. */
export function costlyClock(): CostlyClock {
  let now = 0;
  let begun = 0;
  let longest = 0;
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    after(ms, run) {
      const timer = setTimeout(run, ms);
      return { cancel: () => clearTimeout(timer) };
    },
    soon: (run) =>
      void later(() => {
        begun = now;
        run();
      }),
  };
  return {
    clock,
    spend(ms) {
      now += ms;
      longest = Math.max(longest, now - begun);
    },
    longest: () => longest,
  };
}
