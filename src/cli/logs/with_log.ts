/**
 * Opens the log that a command is about: a directory, or a stream that `--log` names.
 *
 * @module
 */

import type { Settings } from "../../client/settings/settings.ts";
import { type Context, guardedContext } from "../context.ts";
import { DirectoryStore } from "./directory_store.ts";
import { commandSettings } from "../settings.ts";
import { type LogOptionFlags, refuseWithStream } from "../jetstream/log_option.ts";
import { logFilter, type LogFlags } from "../terminal/options.ts";
import type { LogStore } from "./log_store.ts";
import type { LogFilter } from "./projects.ts";
import { pythonLogs } from "./python_logs.ts";

/** A log, and how a command uses it. */
export interface OpenLog {
  /** Passes no symbolic link below the log's directories. */
  readonly context: Context;
  readonly settings: Settings;
  /** Which parts of the log the flags mean. */
  readonly filter: LogFilter;
  readonly store: LogStore;
}

/** Flags that say which log is meant, and which part of it. */
export interface StoreFlags extends LogFlags, LogOptionFlags {}

/**
 * Runs `use` on the log that the flags name.
 *
 * @throws {EngineError} if its engine cannot be reached. @throws {WeaveWalError}
 * `ERR_INVALID_OPTION`.
 */
export async function withLog<Result>(
  unguarded: Context,
  flags: StoreFlags,
  use: (log: OpenLog) => Promise<Result>,
): Promise<Result> {
  const settings = commandSettings(unguarded.runtime, flags);
  const filter = logFilter(flags, settings);
  if (flags.log !== undefined) {
    refuseWithStream({ ...flags }, ["dir"]);
    const { useStreamStore } = await import("../jetstream/stream_store.ts");
    return await useStreamStore(
      unguarded,
      flags.log,
      (store) => use({ context: unguarded, settings, filter, store }),
    );
  }
  const root = settings.walDir;
  const python = pythonLogs(unguarded.runtime, settings);
  const context = await guardedContext(unguarded, root, python.pythonRoot);
  const store = new DirectoryStore(context.runtime, root, python.pythonRoot);
  return await use({ context, settings, filter: { ...filter, ...python }, store });
}
