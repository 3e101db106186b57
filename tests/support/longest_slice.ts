/**
 * Measures how much work is done between two turns of the event loop, in file operations.
 *
 * @module
 */

import type { Clock, Runtime } from "../../src/runtime/runtime.ts";
import { passOn } from "./count_operations.ts";

/** Time that a file operation takes on the clock, ms. */
const OPERATION_MS = 0.05;

/** Number of operations in a slice, and in the item with which it ends. */
export const OPERATIONS_PER_TURN: number = 6 / OPERATION_MS;

/** A timer takes at least a millisecond. */
const { setImmediate: later = (run: () => void): unknown => setTimeout(run, 0) } = globalThis as {
  setImmediate?: (run: () => void) => unknown;
};

/**
 * `runtime` with a clock on which each file operation takes a moment, and the most operations since
 * between two turns of the event loop.
 */
export function withLongestSlice(
  runtime: Runtime,
): { runtime: Runtime; longest: () => number; operations: () => number } {
  const { name, process } = runtime;
  let operations = 0;
  let begun = 0;
  let longest = 0;
  const files = passOn(runtime.files, (_, __, call) => {
    operations++;
    longest = Math.max(longest, operations - begun);
    return call();
  });
  const clock: Clock = {
    now: () => runtime.clock.now(),
    monotonic: () => runtime.clock.monotonic() + operations * OPERATION_MS,
    after: (ms, run, options) => runtime.clock.after(ms, run, options),
    soon(run) {
      later(() => {
        begun = operations;
        run();
      });
    },
  };
  return {
    runtime: { name, process, clock, files },
    /** Number of all operations so far. */
    operations: () => operations,
    longest() {
      const found = longest;
      longest = 0;
      begun = operations;
      return found;
    },
  };
}
