/**
 * Timers and clocks of the JavaScript runtime, captured before the program can replace them.
 *
 * Test runners and libraries replace them with fake ones, on which time passes only when a test
 * says so. With those, nothing would be delivered, and a test that runs all timers until none is
 * left would never end, because those of the package repeat.
 *
 * @module
 */

import { shared } from "./process/shared_state.ts";

/** The timers and clocks of a runtime. Each function works without `this`. */
export interface HostTime {
  readonly setTimeout: typeof globalThis.setTimeout;
  readonly clearTimeout: typeof globalThis.clearTimeout;
  readonly setInterval: typeof globalThis.setInterval;
  readonly clearInterval: typeof globalThis.clearInterval;
  /** Missing on runtimes without it. */
  readonly setImmediate: ((run: () => void) => unknown) | undefined;
  /** Returns wall-clock ms. */
  readonly dateNow: () => number;
  /** Returns ms of the monotonic clock. */
  readonly performanceNow: () => number;
}

/**
 * Returns the runtime's timers and clocks as of the first call in this process. Call it when the
 * package is loaded.
 */
export function hostTime(): HostTime {
  return shared("host-time", () => {
    const { setTimeout, clearTimeout, setInterval, clearInterval, performance, Date } = globalThis;
    const { setImmediate } = globalThis as { setImmediate?: (run: () => void) => unknown };
    return {
      // Some runtimes refuse another `this` than the global object.
      setTimeout: setTimeout.bind(globalThis) as typeof setTimeout,
      clearTimeout: clearTimeout.bind(globalThis),
      setInterval: setInterval.bind(globalThis) as typeof setInterval,
      clearInterval: clearInterval.bind(globalThis),
      setImmediate: setImmediate?.bind(globalThis),
      dateNow: Date.now.bind(Date),
      performanceNow: performance.now.bind(performance),
    };
  });
}
