/**
 * The logs of this process, shared by `register` and `durable`.
 *
 * @module
 */

import { backgroundFetch, hostFetch } from "../../client/server/host_fetch.ts";
import { openPipeline } from "../../client/pipeline/create_pipeline.ts";
import { sumResults } from "../../client/pipeline/sum_results.ts";
import type { FlushOptions, FlushResult } from "../../client/pipeline/pipeline.ts";
import { shared } from "../../runtime/process/shared_state.ts";
import { detectRuntime } from "../../runtime/detect.ts";
import { standardError } from "../../runtime/standard_error.ts";
import type { OpenLog } from "./open_log.ts";
import { type DurableOptions, SdkLogs } from "./sdk_logs.ts";

/** Shared by all copies of the package, so that `flush` of one covers the logs of all. */
const state = shared("sdk-logs", () => ({
  all: new Set<SdkLogs>(),
  pool: new Map<string, OpenLog>(),
}));

/**
 * Creates logs that {@linkcode flushAll} covers.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export function makeLogs(options: DurableOptions): SdkLogs {
  const logs = new SdkLogs(options, {
    runtime: detectRuntime(),
    // Its requests are not marked as the SDK's, and are therefore not recorded again.
    fetch: hostFetch,
    background: backgroundFetch,
    sink: standardError,
    openPipeline,
    pool: state.pool,
  });
  state.all.add(logs);
  return logs;
}

/** Flushes the logs of all durable clients. */
export async function flushAll(options?: FlushOptions): Promise<FlushResult> {
  return sumResults(await Promise.all(opened().map((log) => log.flush(options))));
}

/** Flushes and closes the logs of all durable clients. */
export async function finishAll(options?: FlushOptions): Promise<FlushResult> {
  return sumResults(await Promise.all(opened().map((log) => log.finish(options))));
}

function opened(): OpenLog[] {
  return [...new Set([...state.all].flatMap((logs) => logs.opened()))];
}
