/**
 * Standard error, for what the library reports by itself.
 *
 * @module
 */

import { hasCode } from "../errors.ts";
import { builtin } from "./builtin_modules.ts";

const STANDARD_ERROR = 2;

/** A line goes to `console.warn` where the program has one of its own, else to standard error. */
export const standardError = {
  /**
   * Writes a line. A standard error that is closed takes nothing, and does no harm: on Node the
   * console would end the program with `EPIPE`, some time later.
   *
   * @throws What the program's own `console.warn` throws.
   */
  warn(line: string): void {
    if (!isHostConsole() || !writeLine(line)) console.warn(line);
  },

  /** Whether a person can watch standard error: it is a terminal. */
  isTerminal(): boolean {
    try {
      return builtin("node:tty").isatty(STANDARD_ERROR);
    } catch {
      return false;
    }
  },
} as const;

/** Programs, frameworks and test runners put consoles of their own in place. */
function isHostConsole(): boolean {
  return Function.prototype.toString.call(console.warn).includes("[native code]");
}

/** Returns `false` where the line has to take another way. */
function writeLine(line: string): boolean {
  try {
    const { writeSync } = builtin("node:fs");
    let rest = new TextEncoder().encode(line + "\n");
    while (rest.length > 0) rest = rest.subarray(writeSync(STANDARD_ERROR, rest));
    return true;
  } catch (error) {
    // A pipe that is full for now, or a host without files. A closed one has no other way.
    return !hasCode(error, "EAGAIN") && !hasCode(error, "ENOSYS");
  }
}
