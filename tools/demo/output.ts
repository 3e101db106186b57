/**
 * Output of the demo, to a terminal, a file or a pipe.
 *
 * @module
 */

import process from "node:process";
import picocolors from "picocolors";

/** Functions that color text. */
export type Colors = ReturnType<typeof picocolors.createColors>;

/** Receiver of the output. */
export interface Output {
  readonly colors: Colors;
  /** Width in columns. */
  readonly width: number;
  /** Delay (ms) before each question. */
  readonly paceMs: number;
  /** Writes a line. */
  line(text?: string): void;
  /** Starts a numbered section. */
  section(title: string): void;
  /** Shows a text until the next line, in a terminal only. */
  status(text: string): void;
  /** Removes the status text. */
  clear(): void;
}

/** Minimum time (ms) between two changes of the status text. */
const STATUS_MS = 50;

/** Writes to standard output. Colors and status texts are shown in a terminal only. */
export function openOutput(): Output {
  const out = process.stdout;
  const isTerminal = out.isTTY === true;
  const { NO_COLOR, TERM } = process.env;
  const colors = picocolors.createColors(isTerminal && !NO_COLOR && TERM !== "dumb");
  // The reader of a pipe may close it; the demo still ends normally.
  out.on("error", () => {});
  let sections = 0;
  let hasStatus = false;
  let lastStatus = 0;
  const clear = () => {
    if (hasStatus) out.write("\r\x1b[2K");
    hasStatus = false;
  };
  const line = (text = "") => {
    clear();
    out.write(`${text}\n`);
  };
  return {
    colors,
    width: Math.min(isTerminal && out.columns > 0 ? out.columns : 100, 120),
    paceMs: isTerminal ? 250 : 0,
    line,
    clear,
    section(title) {
      line();
      line(`${colors.cyan(colors.bold(`${++sections}`))} ${colors.bold(title)}`);
    },
    status(text) {
      const now = Date.now();
      if (!isTerminal || now - lastStatus < STATUS_MS) return;
      lastStatus = now;
      hasStatus = true;
      out.write(`\r\x1b[2K  ${colors.dim(text)}`);
    },
  };
}

/** Discards all output. */
export function silentOutput(): Output {
  return {
    colors: picocolors.createColors(false),
    width: 100,
    paceMs: 0,
    line() {},
    section() {},
    status() {},
    clear() {},
  };
}
