/**
 * Assembles the parts of `weave-wal ui`.
 *
 * @module
 */

import type { Hono } from "hono";
import type { Settings } from "../../client/settings/settings.ts";
import { commandIds, type Context } from "../context.ts";
import type { LogStore } from "../logs/log_store.ts";
import type { LogFilter } from "../logs/projects.ts";
import type { AdviceOptions } from "../status/advice.ts";
import { OpenOnce } from "./access.ts";
import { createUiApp } from "./app.ts";
import { DeadLetterPages } from "./reads/dead_letter_pages.ts";
import { DeadLetterRetry } from "./dead_letter_retry.ts";
import { StatusFeed } from "./reads/status_feed.ts";
import { TracePages } from "./reads/trace_pages.ts";

/** Options for {@linkcode createUi}. */
export interface UiOptions {
  readonly store: LogStore;
  readonly filter: LogFilter;
  readonly advice: AdviceOptions;
  /** Resolves the settings with the API key; throws if there is none. */
  readonly keySettings: () => Settings;
  /** The first part of every path. */
  readonly token: string;
  /** Code that opens the page once. */
  readonly openCode: string;
}

/** The application, with its start path and its end. */
export interface Ui {
  readonly app: Hono;
  /** The path with which a browser is started. */
  readonly openPath: string;
  /** Closes open files, and waits for a retry in progress. */
  close(): Promise<void>;
}

/** Assembles the application. Reads nothing before the first request. */
export function createUi(
  context: Pick<Context, "runtime" | "stop">,
  { store, filter, advice, keySettings, token, openCode }: UiOptions,
): Ui {
  const { runtime, stop } = context;
  const { clock } = runtime;
  const { place, deadLetters: source } = store;
  const newId = commandIds(runtime);
  const { server } = advice;
  const status = new StatusFeed({ clock, store, filter, advice, stop });
  const traces = new TracePages(clock, (directory) => status.parts(directory), newId);
  const deadLetters = new DeadLetterPages(clock, source, filter, newId);
  const retry = new DeadLetterRetry(context, source, keySettings);
  const openOnce = new OpenOnce(clock, openCode);
  const deps = { place, server, token, openOnce, status, traces, deadLetters, retry };
  return {
    app: createUiApp(deps),
    openPath: openOnce.path,
    async close() {
      traces.close();
      deadLetters.close();
      await retry.idle();
    },
  };
}
