/**
 * Shows the current step of a benchmark on standard error: in a terminal as one line that
 * counts seconds, otherwise as one line per step.
 *
 * @module
 */

import process from "node:process";

/** A progress line. */
export interface Progress {
  /** Shows the next step. */
  show(what: string): void;
  /** Removes the line. */
  close(): void;
}

/** Opens the progress line. */
export function openProgress(): Progress {
  const out = process.stderr;
  if (!out.isTTY) {
    return { show: (what) => void out.write(`${what}\n`), close: () => {} };
  }
  let what = "";
  let since = 0;
  const draw = (): void => {
    const seconds = Math.round((performance.now() - since) / 1_000);
    out.write(`\r\x1b[2K${`${what} (${seconds} s)`.slice(0, (out.columns || 80) - 1)}`);
  };
  const timer = setInterval(draw, 1_000);
  timer.unref();
  return {
    show(next) {
      what = next;
      since = performance.now();
      draw();
    },
    close() {
      clearInterval(timer);
      out.write("\r\x1b[2K");
    },
  };
}
