/**
 * Log output of the library, by level. It never contains the API key or traced data.
 *
 * @module
 */

import { escapeControls } from "../protocol/escape_controls.ts";
import { ignoreRejection } from "../protocol/json/promises.ts";
import { runUntraced } from "./calls/call_stack.ts";
import type { WalEvent, WalEventName } from "./pipeline/status/events.ts";

/**
 * Minimum log level, by the names of `WEAVE_LOG_LEVEL`.
 *
 * @example
 * ```ts
 * import { finish, init, type LogLevel } from "@weave-wal/client";
 *
 * const logLevel: LogLevel = "error";
 * await init("team/project", { disabled: true, logLevel }); // `wal: true` in a program
 * await finish();
 * ```
 */
export type LogLevel = "debug" | "info" | "warning" | "error" | "critical";

/** Every {@linkcode LogLevel}, lowest first. */
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warning", "error", "critical"];

/** Logs messages; `once` logs each key only once. */
export interface Logger {
  /** Logs an event of a pipeline. */
  event(event: WalEvent): void;
  /** Logs a message the first time that `key` is used (default: the event's name). */
  once(level: WalEvent["level"], name: WalEventName, message: string, key?: string): void;
  /** Prints one line for the user, such as a link to a call. */
  print(line: string): void;
  /** Whether the output is a terminal. */
  readonly isWatched: boolean;
}

/** Destination of log lines. Never standard output, which belongs to the program. */
export interface Sink {
  warn(line: string): void;
  /** Returns whether the output is a terminal; if absent, it is not. */
  isTerminal?(): boolean;
}

const SEVERITY = { debug: 0, info: 1, warn: 2, error: 3 } as const;

/**
 * Creates a logger. Events go to `sink.warn` (standard error), to keep them out of the program's
 * output.
 *
 * @param level Minimum level to log.
 * @param listener Called with every event, at any level; its errors are ignored.
 * @param redact Removes secrets from messages, which may quote errors of the program.
 */
export function createLogger(
  level: LogLevel,
  sink: Sink,
  listener?: (event: WalEvent) => void,
  redact: (text: string) => string = (text) => text,
): Logger {
  const threshold = LOG_LEVELS.indexOf(level);
  const logged = new Set<string>();
  const quietly = (run: () => unknown): void => {
    try {
      ignoreRejection(run());
    } catch {
      // Errors of a sink or a listener must not reach the code being traced.
    }
  };
  const event = (given: WalEvent): void => {
    const isPrinted = SEVERITY[given.level] >= threshold;
    if (listener === undefined && !isPrinted) return;
    const event = { ...given, message: redact(given.message) };
    if (listener) quietly(() => runUntraced(() => listener(event)));
    if (!isPrinted) return;
    // A message may quote settings and names of files that others have written.
    quietly(() => sink.warn(`weave-wal: ${escapeControls(event.message)}`));
  };
  return {
    event,
    once(level, name, message, key = name) {
      if (logged.has(key)) return;
      logged.add(key);
      event({ level, name, message });
    },
    print(line) {
      if (threshold <= SEVERITY.info) quietly(() => sink.warn(line));
    },
    isWatched: sink.isTerminal?.() ?? false,
  };
}
