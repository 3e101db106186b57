/**
 * `init`, and what works with the client that it made.
 *
 * @module
 */

import { WeaveWalError } from "../errors.ts";
import { detectRuntime } from "../runtime/detect.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type CallStackEntry, currentContext, runWithAttributes } from "./op/call_stack.ts";
import type { WeaveClient } from "./client.ts";
import {
  globalClient,
  globalRecorder,
  requireGlobalClient,
  setGlobalClient,
} from "./global_client.ts";
import { hostFetch } from "./server/host_fetch.ts";
import type { ObjectRef, OpRef } from "./objects/object_ref.ts";
import type { AnyFunction, OpFields } from "./op/op_types.ts";
import { openClient } from "./open_client.ts";
import type { InitOptions } from "./settings/options.ts";
import { openPipeline } from "./pipeline/create_pipeline.ts";
import type { FlushOptions, FlushResult } from "./pipeline/pipeline.ts";
import { resolveSettings } from "./settings/settings.ts";

/** The client that `init` made last, and what it was made from. */
let latest: { readonly made: Making; readonly client: WeaveClient } | null = null;

/** What a client was made from: the settings as text, and what only code can give. */
interface Making {
  readonly text: string;
  readonly given: readonly unknown[];
}

/**
 * Starts tracing: ops called from now on are recorded under `project`.
 *
 * Called again with the same project and settings it gives the same client, unless that is finished:
 * a handler may call it for every request. With others it makes a second client that ops write to
 * from then on; the first stays open until it is finished.
 *
 * @param project `entity/project`, or a project of your default entity.
 * @param options See {@linkcode InitOptions}; environment variables beat them.
 * @returns The client. `await using` finishes it at the end of its scope.
 * @throws {WeaveWalError} `ERR_INVALID_NAME`, `ERR_INVALID_OPTION`, `ERR_MISSING_API_KEY`,
 *   `ERR_LOG_UNWRITABLE`; `ERR_REQUEST_FAILED` when the default entity had to be asked for and was
 *   not told.
 *
 * @example
 * ```ts ignore
 * import { init, op } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { wal: true });
 * const greet = op(function greet(name: string) {
 *   return `Hello ${name}`;
 * });
 * greet("Ada");
 * ```
 */
export async function init(project: string, options: InitOptions = {}): Promise<WeaveClient> {
  // What is no object at all is refused with the settings.
  const runtime = options?.runtime ?? detectRuntime();
  const made = making(project, options, runtime);
  if (latest && latest.client === globalClient() && isSame(latest.made, made)) return latest.client;
  const client = await openClient(project, options, {
    runtime,
    fetch: hostFetch,
    sink: console,
    openPipeline,
  });
  setGlobalClient(client);
  latest = { made, client };
  return client;
}

function making(project: string, options: InitOptions, runtime: Runtime): Making {
  let text: string;
  try {
    text = JSON.stringify([project, resolveSettings(runtime, options)]);
  } catch (error) {
    if (error instanceof WeaveWalError) throw error;
    // Attributes that have no JSON text; the client is then never taken for another.
    text = "";
  }
  const { fetch, random, onEvent } = options;
  return { text, given: [runtime, fetch, random, onEvent] };
}

function isSame(one: Making, other: Making): boolean {
  return one.text !== "" && one.text === other.text &&
    one.given.every((value, i) => value === other.given[i]);
}

/**
 * The call that the running code belongs to.
 *
 * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` outside of every op. Where tracing is disabled it is
 *   an entry that belongs to no call.
 */
export function requireCurrentCallStackEntry(): CallStackEntry {
  const call = currentContext()?.call;
  if (call) return call;
  if (globalClient() && !globalRecorder()) return { callId: "", traceId: "", childSummary: {} };
  throw new WeaveWalError(
    "ERR_NOT_INITIALIZED",
    globalClient()
      ? "Cannot find the current call: this code does not run inside an op"
      : 'Cannot find the current call: call init("entity/project") first',
  );
}

/**
 * The summary that the children of the current call add up to. What is put in here is part of the
 * call's own summary.
 *
 * @throws {WeaveWalError} As {@linkcode requireCurrentCallStackEntry}.
 */
export function requireCurrentChildSummary(): Record<string, unknown> {
  return requireCurrentCallStackEntry().childSummary;
}

/**
 * Calls `fn`; calls of ops inside it carry these attributes, with those of an outer
 * `withAttributes`.
 *
 * @example
 * ```ts
 * import { withAttributes } from "@weave-wal/client";
 *
 * const answer = withAttributes({ request: "r-1" }, () => 42);
 * if (answer !== 42) throw new Error("What fn returns is returned");
 * ```
 */
export function withAttributes<T>(attributes: Record<string, unknown>, fn: () => T): T {
  return globalRecorder() ? runWithAttributes(attributes, fn) : fn();
}

/**
 * Saves a value with the client that `init` made and gives its ref.
 *
 * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`; else as `client.publish`.
 */
export async function publish(value: OpFields<AnyFunction>, objectId?: string): Promise<OpRef>;
/** Saves a value that is no op. */
export async function publish(value: unknown, objectId?: string): Promise<ObjectRef>;
export async function publish(value: unknown, objectId?: string): Promise<ObjectRef | OpRef> {
  return await (requireGlobalClient() as WeaveClient).publish(value, objectId);
}

/**
 * Waits until all that was written so far is delivered or dead-lettered.
 *
 * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`.
 */
export async function flush(options?: FlushOptions): Promise<FlushResult> {
  return await (requireGlobalClient() as WeaveClient).flush(options);
}

/**
 * Flushes and closes the client that `init` made; ops are plain function calls afterwards.
 *
 * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`.
 */
export async function finish(options?: FlushOptions): Promise<FlushResult> {
  return await (requireGlobalClient() as WeaveClient).finish(options);
}
