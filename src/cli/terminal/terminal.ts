/**
 * The process that the command runs in: its output, its input and the signals it is sent.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline/promises";
import type { WriteStream } from "node:tty";
import { createColors } from "picocolors";
import { hasCode } from "../../errors.ts";
import { CommandError, EXIT } from "../exit_codes.ts";

/** Colors, or the same functions without effect. */
export type Colors = ReturnType<typeof createColors>;

/** Destination of text. */
export interface Output {
  /** Whether a person sees it, who may be shown colors and moving bars. */
  readonly isTerminal: boolean;
  /** Characters in a line; `undefined` where lines may be as long as they like. */
  readonly columns: number | undefined;
  /** Lines of the screen; `undefined` where there is none. */
  readonly rows: number | undefined;
  readonly colors: Colors;
  /** The stream itself, for libraries that draw on it. */
  readonly stream: WriteStream;
  /** Writes and waits until it is taken. Rejects with code `EPIPE` when nobody reads any more. */
  write(text: string): Promise<void>;
}

/** The command's environment. */
export interface Terminal {
  readonly out: Output;
  readonly err: Output;
  /**
   * Asks a question that only a person can answer; `null` when there is none. Rejects when `stop` is
   * aborted first.
   */
  ask(question: string, stop: AbortSignal): Promise<string | null>;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return {
    out: outputTo(process.stdout),
    err: outputTo(process.stderr),
    async ask(question, stop) {
      if (!process.stdin.isTTY) return null;
      // Not as a terminal: the terminal itself edits the line, and Ctrl-C stays a signal.
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
        // On Deno a file under the output fails at once.
        await new Promise<void>((resolve, reject) => {
          stream.write(text, (error) => error ? reject(error) : resolve());
        });
      } catch (error) {
        throw outputError(error as Error);
      }
    },
  };
}

/** A full disk under `weave-wal status > file` is not an error of the log. */
function outputError(error: Error): Error {
  if (hasCode(error, "EPIPE")) return error;
  return new CommandError(`Cannot write the output: ${error.message}`, { exitCode: EXIT.trouble });
}

/** A signal that ends the command. */
export type EndSignal = "SIGINT" | "SIGTERM";

/**
 * Listens for SIGINT and SIGTERM.
 *
 * @returns Aborted by the first of them, with an {@linkcode EndSignal} as its reason, so that the
 *   command can end in order; a second one ends the process at once.
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
      // Windows knows no SIGTERM.
    }
  }
  return controller.signal;
}
