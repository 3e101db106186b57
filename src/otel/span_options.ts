/**
 * Options of span processors and exporters, and how they select a client.
 *
 * @module
 */

import { WeaveWalError } from "../errors.ts";
import type { WeaveClient } from "../client/weave_client/client.ts";
import { currentClient } from "../client/global_client.ts";
import { openOwnClient } from "../client/host_client.ts";
import { withoutTelemetry } from "../client/server/outside.ts";
import { invalidOption } from "../client/settings/invalid_option.ts";
import type { InitOptions } from "../client/settings/options.ts";
import { type SpanTarget, spanTargetOf } from "../client/span_target.ts";
import type { OtelView } from "../protocol/otlp/otel_request.ts";
import { detectRuntime } from "../runtime/detect.ts";
import { withQuietTimers } from "./quiet_timers.ts";

/**
 * Destination of spans. Pass `client` to share the log of an open client, or `project` with options
 * of `init` for a separate log, which is on disk unless `wal` is `false`. With neither, spans go to
 * the client that `init` opened last.
 *
 * @example
 * ```ts
 * import type { SpanOptions } from "@weave-wal/client/otel";
 *
 * const options: SpanOptions = { project: "team/project", view: "agents" };
 * if (options.view !== "agents") throw new Error();
 * ```
 */
export interface SpanOptions extends Omit<InitOptions, "printCallLink" | "globalAttributes"> {
  /** The client whose log receives the spans. Default: the client that `init` opened last. */
  client?: WeaveClient;
  /** `entity/project`. Default: the client's project. */
  project?: string;
  /** The view of Weave that shows the spans. Default `"traces"`. */
  view?: OtelView;
  /**
   * Whether `WalSpanProcessor` also records the start of each span, with one more write to the log.
   * If the process ends before the span does, recovery ends the span with an error. Default
   * `false`.
   */
  recordStarts?: boolean;
}

/** The resolved options. */
export interface ResolvedSpanOptions {
  readonly client: WeaveClient;
  readonly target: SpanTarget;
  readonly view: OtelView;
  /** Whether the client was opened for these spans and is closed with them. */
  readonly isOwn: boolean;
  /** Whether span starts are recorded. */
  readonly recordStarts: boolean;
}

/**
 * Finds or opens the client.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`, `ERR_NOT_INITIALIZED`, and the errors of `init`.
 */
export function resolveSpanOptions(options: SpanOptions): ResolvedSpanOptions {
  if (typeof options !== "object" || options === null) {
    throw invalidOption("options of the span processor", options, "an object of options");
  }
  const { client, project, view = "traces", recordStarts = false, ...initOptions } = options;
  if (view !== "traces" && view !== "agents") {
    throw invalidOption('option "view"', view, 'one of "traces", "agents"');
  }
  if (typeof recordStarts !== "boolean") {
    throw invalidOption('option "recordStarts"', recordStarts, "true or false");
  }
  if (project !== undefined && client === undefined) {
    const runtime = withQuietTimers(initOptions.runtime ?? detectRuntime());
    const own = withoutTelemetry(() =>
      openOwnClient(project, { wal: true, ...initOptions, runtime })
    );
    return { client: own, target: spanTargetOf(own)!, view, isOwn: true, recordStarts };
  }
  const [ignored] = project === undefined ? Object.keys(initOptions) : ["project"];
  if (ignored !== undefined) {
    throw new WeaveWalError(
      "ERR_INVALID_OPTION",
      `Cannot use option "${ignored}" of a span processor: the client that is open has its own; ` +
        'pass "project" without "client" to open another one',
    );
  }
  const open = client ?? currentClient();
  if (open === null) {
    throw new WeaveWalError(
      "ERR_NOT_INITIALIZED",
      'Cannot record spans: pass "project" or "client", or call init("entity/project") first',
    );
  }
  const target = typeof open === "object" ? spanTargetOf(open) : undefined;
  if (target !== undefined) {
    return { client: open as WeaveClient, target, view, isOwn: false, recordStarts };
  }
  throw invalidOption('option "client"', client, "what init() resolves to; await it first");
}
