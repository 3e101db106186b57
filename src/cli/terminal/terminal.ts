/**
 * The command's process: its output, its input and its signals.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline/promises";
import type { WriteStream } from "node:tty";
import { createColors } from "picocolors";
import { hasCode } from "../../errors.ts";
import { CommandError, EXIT } from "../exit_codes.ts";

/** Color functions; without effect if colors are off. */
export type Colors = ReturnType<typeof createColors>;

/** Destination of text. */
export interface Output {
  /** Whether it is a terminal, where colors and progress bars may be shown. */
  readonly isTerminal: boolean;
  /** Number of columns; `undefined` if lines may have any length. */
  readonly columns: number | undefined;
  /** Number of lines on the screen; `undefined` if there is none. */
  readonly rows: number | undefined;
  readonly colors: Colors;
  /** The underlying stream, for libraries that draw on it. */
  readonly stream: WriteStream;
  /**
   * Writes text, and resolves when it is flushed. Rejects with code `EPIPE` if the reader has
   * closed it.
   */
  write(text: string): Promise<void>;
}

/** Input and output of the command. */
export interface Terminal {
  readonly out: Output;
  readonly err: Output;
  /**
   * Asks the user a question; returns `null` if input is not a terminal. Rejects if `stop` is
   * aborted first.
   */
  ask(question: string, stop: AbortSignal): Promise<string | null>;
}

/** Returns the terminal of this process. */
export function processTerminal(): Terminal {
  return {
    out: outputTo(process.stdout),
    err: outputTo(process.stderr),
    async ask(question, stop) {
      if (!process.stdin.isTTY) return null;
      // Not in terminal mode: the terminal itself edits the line, and Ctrl-C remains a signal.
      const reader = createInterface({
        input: process.stdin,
        output: process.stderr,
        terminal: false,
      });
      try {
        return await reader.question(question, { signal: stop });
      } finally {
        reader.close();
      }
    },
  };
}

function outputTo(stream: WriteStream): Output {
  // Every failure rejects the write; without a listener it would also end the process.
  stream.on("error", () => {});
  const { NO_COLOR, TERM } = process.env;
  const isTerminal = stream.isTTY === true;
  return {
    isTerminal,
    get columns() {
      return isTerminal ? stream.columns || 80 : undefined;
    },
    get rows() {
      return isTerminal ? stream.rows || 24 : undefined;
    },
    colors: createColors(isTerminal && !NO_COLOR && TERM !== "dumb"),
    stream,
    async write(text) {
      try {
        // On Deno, a write to a redirected file throws synchronously.
        await new Promise<void>((resolve, reject) => {
          stream.write(text, (error) => error ? reject(error) : resolve());
        });
      } catch (error) {
        throw outputError(error as Error);
      }
    },
  };
}

/**
 * Converts an error of the output, which is not an error of the log: `weave-wal status > file` on a
 * full disk.
 */
function outputError(error: Error): Error {
  if (hasCode(error, "EPIPE")) return error;
  return new CommandError(`Cannot write the output: ${error.message}`, { exitCode: EXIT.trouble });
}

/** A signal that ends the command. */
export type EndSignal = "SIGINT" | "SIGTERM";

/**
 * Listens for SIGINT and SIGTERM.
 *
 * @returns A signal that the first of them aborts, with an {@linkcode EndSignal} as its reason, so
 * that the command can end cleanly. A second one ends the process immediately.
 */
export function listenForSignals(): AbortSignal {
  const controller = new AbortController();
  const codes = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated };
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    try {
      process.on(name, () => {
        if (controller.signal.aborted) process.exit(codes[name]);
        controller.abort(name);
      });
    } catch {
      // Windows has no SIGTERM.
    }
  }
  return controller.signal;
}
