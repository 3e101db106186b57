/**
 * Marks code of the package that runs inside the program's calls.
 *
 * A program may trace or instrument functions of the host that the package uses itself, such as
 * `Date.now` or `fs.writeSync`. Such an op must not record what the package does to record a call.
 *
 * @module
 */

import { shared } from "../../runtime/process/shared_state.ts";

const state = shared("own-code", () => ({ isRunning: false }));

/** Returns whether code of the package is running, in any of its copies. */
export function isOwnCode(): boolean {
  return state.isRunning;
}

/**
 * Marks the code that follows as the package's own. Returns the value for {@linkcode leaveOwnCode},
 * which must be called in a `finally` block.
 */
export function enterOwnCode(): boolean {
  const outer = state.isRunning;
  state.isRunning = true;
  return outer;
}

/** Ends the code marked by {@linkcode enterOwnCode}. */
export function leaveOwnCode(outer: boolean): void {
  state.isRunning = outer;
}

/** Calls `fn`, marked as the package's own code. */
export function asOwnCode<R>(fn: () => R): R {
  const outer = enterOwnCode();
  try {
    return fn();
  } finally {
    leaveOwnCode(outer);
  }
}
