/**
 * What the library says by itself, by level. Nothing that is said holds the key or traced data.
 *
 * @module
 */

import { ignoreRejection } from "../protocol/json/promises.ts";
import { runUntraced } from "./op/call_stack.ts";
import type { WalEvent, WalEventName } from "./pipeline/events.ts";

/** The least grave thing that is said, under the names of `WEAVE_LOG_LEVEL`. */
export type LogLevel = "debug" | "info" | "warning" | "error" | "critical";

/** Every {@linkcode LogLevel}, least grave first. */
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warning", "error", "critical"];

/** Says things, and each thing that is said "once" one time only. */
export interface Logger {
  /** Says what a pipeline tells. */
  event(event: WalEvent): void;
  /** Says something the first time that `key` comes up; the event's name unless given. */
  once(level: WalEvent["level"], name: WalEventName, message: string, key?: string): void;
  /** Prints one line for the user, such as the link to a call. */
  print(line: string): void;
  /** Whether a person can watch what is printed. */
  readonly isWatched: boolean;
}

/** Where a logger writes; never standard output, which belongs to the program. */
export interface Sink {
  warn(line: string): void;
  /** Whether a person can watch it; not where it is missing. */
  isTerminal?(): boolean;
}

const GRAVITY = { debug: 0, info: 1, warn: 2, error: 3 } as const;

/**
 * Makes a logger. Events go to `sink.warn` (standard error), so that a program's output stays its
 * own.
 *
 * @param level What is less grave is not said.
 * @param listener Told of every event, whatever the level; what it throws is swallowed.
 * @param redact Takes secrets out of messages, which may quote errors of the program.
 */
export function createLogger(
  level: LogLevel,
  sink: Sink,
  listener?: (event: WalEvent) => void,
  redact: (text: string) => string = (text) => text,
): Logger {
  const threshold = LOG_LEVELS.indexOf(level);
  const said = new Set<string>();
  const quietly = (run: () => unknown): void => {
    try {
      ignoreRejection(run());
    } catch {
      // A sink or a listener that throws must not reach the code being traced.
    }
  };
  const event = (given: WalEvent): void => {
    const event = { ...given, message: redact(given.message) };
    if (listener) quietly(() => runUntraced(() => listener(event)));
    if (GRAVITY[event.level] < threshold) return;
    quietly(() => sink.warn(`weave-wal: ${event.message}`));
  };
  return {
    event,
    once(level, name, message, key = name) {
      if (said.has(key)) return;
      said.add(key);
      event({ level, name, message });
    },
    print(line) {
      if (threshold <= GRAVITY.info) quietly(() => sink.warn(line));
    },
    isWatched: sink.isTerminal?.() ?? false,
  };
}
