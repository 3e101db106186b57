/**
 * What the demo shows in a terminal, or writes to a file or a pipe.
 *
 * @module
 */

import process from "node:process";
import picocolors from "picocolors";

/** Colours of text. */
export type Colors = ReturnType<typeof picocolors.createColors>;

/** Where the demo writes; everything, or nothing but the last word. */
export interface Screen {
  readonly colors: Colors;
  /** Columns. */
  readonly width: number;
  /** Ms of rest before each question. */
  readonly paceMs: number;
  /** Writes a line. */
  line(text?: string): void;
  /** Begins a numbered section. */
  section(title: string): void;
  /** Shows a text until the next line; nothing where the output is no terminal. */
  status(text: string): void;
  /** Takes the status away. */
  clear(): void;
}

/** Ms between two changes of the status at least. */
const STATUS_MS = 50;

/** The terminal, or what standard output is instead: then without colours and status. */
export function openScreen(): Screen {
  const out = process.stdout;
  const isTerminal = out.isTTY === true;
  const { NO_COLOR, TERM } = process.env;
  const colors = picocolors.createColors(isTerminal && !NO_COLOR && TERM !== "dumb");
  // Whoever reads a pipe may go; the demo still ends in order.
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

/** Shows nothing. */
export function closedScreen(): Screen {
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
