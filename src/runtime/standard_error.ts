/**
 * Standard error, for messages of the library.
 *
 * @module
 */

import { hasCode } from "../errors.ts";
import { builtin } from "./builtin_modules.ts";

const STANDARD_ERROR = 2;

/** Writes to `console.warn` if the program has replaced it, otherwise to standard error. */
export const standardError = {
  /**
   * Writes a line. A closed standard error is ignored: on Node, the console would end the program
   * with `EPIPE` some time later.
   *
   * @throws The error of the program's own `console.warn`.
   */
  warn(line: string): void {
    if (!isHostConsole() || !writeLine(line)) console.warn(line);
  },

  /** Returns whether standard error is a terminal. */
  isTerminal(): boolean {
    try {
      return builtin("node:tty").isatty(STANDARD_ERROR);
    } catch {
      return false;
    }
  },
} as const;

/**
 * Returns whether the console is the runtime's: programs, frameworks and test runners replace it.
 */
function isHostConsole(): boolean {
  return Function.prototype.toString.call(console.warn).includes("[native code]");
}

/** Returns `false` if the line must be written another way. */
function writeLine(line: string): boolean {
  try {
    const { writeSync } = builtin("node:fs");
    let rest = new TextEncoder().encode(line + "\n");
    while (rest.length > 0) rest = rest.subarray(writeSync(STANDARD_ERROR, rest));
    return true;
  } catch (error) {
    // A full pipe, or a runtime without files. If standard error is closed, the line is dropped.
    return !hasCode(error, "EAGAIN") && !hasCode(error, "ENOSYS");
  }
}
