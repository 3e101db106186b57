/**
 * `init`, and functions that use its client.
 *
 * @module
 */

import { WeaveWalError } from "../errors.ts";
import { describeMixedVersions } from "../runtime/process/shared_state.ts";
import { hostTime } from "../runtime/host_time.ts";
import { standardError } from "../runtime/standard_error.ts";
import { type CallStackEntry, currentContext, runWithAttributes } from "./calls/call_stack.ts";
import type { WeaveClient } from "./weave_client/client.ts";
import {
  globalClient,
  globalRecorder,
  requireGlobalClient,
  setGlobalClient,
} from "./global_client.ts";
import type { ObjectRef, OpRef } from "./objects/object_ref.ts";
import type { AnyFunction, OpFields } from "./op/op_types.ts";
import type { InitOptions } from "./settings/options.ts";
import type { FlushOptions, FlushResult } from "./pipeline/pipeline.ts";
import { pooledClients } from "./pooled_clients.ts";
import { nativeFetch } from "./server/native_fetch.ts";
import { keepLoadContext } from "./server/outside.ts";
import { sumResults } from "./pipeline/sum_results.ts";

nativeFetch();
hostTime();
keepLoadContext();
reportMixedVersions(false);

/**
 * Starts tracing: ops called from now on are recorded under `project`.
 *
 * A process has one client for each project, server and log. Calling `init` again, even
 * concurrently or in another bundle with this package, returns the open client, unless it was
 * finished. Tuning options (sizes, times, `fsync`) are those of the first call; a warning names
 * those that differ. For another project, `init` opens a second client, which ops use from then on.
 * A running call, and all calls inside it, stay with their client.
 *
 * @param project `entity/project`, or a project of your default entity.
 * @param options See {@linkcode InitOptions}; environment variables override them.
 * @returns The client. `await using` finishes it at the end of the scope.
 * @throws {WeaveWalError} `ERR_INVALID_NAME`, `ERR_INVALID_OPTION`, `ERR_MISSING_API_KEY`,
 * `ERR_LOG_UNWRITABLE`; `ERR_REQUEST_FAILED` if the default entity is needed and cannot be
 * requested.
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
  const { openHostClient } = await import("./host_client.ts");
  const client = await openHostClient(project, options);
  reportMixedVersions(true);
  setGlobalClient(client);
  return client;
}

/** Warns once about another version of this package, which records only its own ops. */
function reportMixedVersions(opening: boolean): void {
  const message = describeMixedVersions(opening);
  if (message !== null) standardError.warn(`weave-wal: ${message}`);
}

/**
 * Returns the current call.
 *
 * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` outside of all ops. If tracing is disabled, an
 * entry without a call is returned instead.
 *
 * @example
 * ```ts
 * import { finish, init, op, requireCurrentCallStackEntry } from "@weave-wal/client";
 *
 * await init("team/project", { disabled: true }); // `wal: true` in a program
 * const traceId = op(function traceId() {
 *   return requireCurrentCallStackEntry().traceId;
 * });
 * traceId();
 * await finish();
 * ```
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
 * Returns the accumulated summary of the current call's children. Values added to it become part of
 * the call's own summary.
 *
 * @throws {WeaveWalError} The same as {@linkcode requireCurrentCallStackEntry}.
 *
 * @example
 * ```ts
 * import { finish, init, op, requireCurrentChildSummary } from "@weave-wal/client";
 *
 * await init("team/project", { disabled: true }); // `wal: true` in a program
 * const ask = op(function ask(question: string) {
 *   requireCurrentChildSummary().questions = 1;
 *   return `You asked: ${question}`;
 * });
 * ask("why?");
 * await finish();
 * ```
 */
export function requireCurrentChildSummary(): Record<string, unknown> {
  return requireCurrentCallStackEntry().childSummary;
}

/**
 * Calls `fn`. Calls of ops inside it get these attributes, in addition to those of outer
 * `withAttributes` calls.
 *
 * @param attributes Added to the calls' own attributes; inner values override outer ones.
 * @param fn Called once, synchronously.
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
 * Saves a value with the client that the running code uses, and returns its ref.
 *
 * @param value An object, an op, a `WeaveObject` such as a `Dataset`, or any JSON value.
 * @param objectId The object's name. Default: the `name` of a `WeaveObject`, or a new ID.
 * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`; else as `client.publish`.
 *
 * @example
 * ```ts
 * import { finish, init, publish } from "@weave-wal/client";
 *
 * await init("team/project", { disabled: true }); // `wal: true` in a program
 * const ref = await publish({ temperature: 0.5 }, "settings");
 * if (ref.objectId !== "settings") throw new Error(ref.uri());
 * await finish();
 * ```
 */
export async function publish(value: OpFields<AnyFunction>, objectId?: string): Promise<OpRef>;
/**
 * Saves a value that is not an op.
 *
 * @param value A `WeaveObject` such as a `Dataset`, or any JSON value.
 * @param objectId The object's name. Default: the `name` of a `WeaveObject`, or a new ID.
 */
export async function publish(value: unknown, objectId?: string): Promise<ObjectRef>;
export async function publish(value: unknown, objectId?: string): Promise<ObjectRef | OpRef> {
  return await (requireGlobalClient() as WeaveClient).publish(value, objectId);
}

/**
 * Waits until everything written so far, by all clients that `init` opened, is delivered or
 * dead-lettered.
 *
 * @param options Limits of the wait; default: wait until everything is delivered.
 * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`.
 *
 * @example
 * ```ts
 * import { finish, flush, init } from "@weave-wal/client";
 *
 * await init("team/project", { disabled: true }); // `wal: true` in a program
 * const { done, pendingRecords } = await flush({ timeout: 5000 });
 * if (!done) throw new Error(`${pendingRecords} records are still pending`);
 * await finish();
 * ```
 */
export async function flush(options?: FlushOptions): Promise<FlushResult> {
  return sumResults(await Promise.all(openClients().map((client) => client.flush(options))));
}

/**
 * Flushes and closes all clients that `init` opened. Ops are plain function calls afterwards.
 *
 * @param options Limits of the wait; default: wait until everything is delivered.
 * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`.
 *
 * @example
 * ```ts
 * import { finish, init } from "@weave-wal/client";
 *
 * await init("team/project", { disabled: true }); // `wal: true` in a program
 * const { done } = await finish({ timeout: 5000 });
 * if (!done) throw new Error("Records are still pending");
 * ```
 */
export async function finish(options?: FlushOptions): Promise<FlushResult> {
  return sumResults(await Promise.all(openClients().map((client) => client.finish(options))));
}

function openClients(): WeaveClient[] {
  return [...new Set([requireGlobalClient() as WeaveClient, ...pooledClients()])];
}
