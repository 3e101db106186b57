/**
 * Adds a log to the official `weave` package in code, as an alternative to preloading
 * `@weave-wal/client/register`.
 *
 * @module
 */

import { WeaveWalError } from "../errors.ts";
import type { FlushOptions, FlushResult } from "../client/pipeline/pipeline.ts";
import { finishAll, flushAll, makeLogs } from "./logs/default_logs.ts";
import {
  ClientAttachments,
  hasCompatibleQueue,
  isAttached,
  isSdkClient,
  OTHER_VERSION,
  replaceQueue,
  warnDelayedCalls,
} from "./patch/sdk_client.ts";
import type { DurableOptions } from "./logs/sdk_logs.ts";

export type { DurableOptions };
export type { FlushOptions, FlushResult };

/**
 * Makes a client of the official SDK durable: every write is in the log on disk before the SDK
 * continues, and is delivered from there.
 *
 * @param client The client from `await weave.init("team/project")`.
 * @param options Options of the log. `WEAVE_ENABLE_WAL=false` disables the log regardless.
 * @returns The same client.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for a value that is not a client of the SDK and for
 * invalid options, `ERR_INVALID_NAME`, `ERR_LOG_UNWRITABLE`.
 *
 * @example
 * ```ts ignore
 * import * as weave from "weave";
 * import { durable } from "@weave-wal/client/durable";
 *
 * const client = durable(await weave.init("team/project"));
 * ```
 */
export function durable<Client extends object>(
  client: Client,
  options: DurableOptions = {},
): Client {
  if (!isSdkClient(client)) {
    throw new WeaveWalError(
      "ERR_INVALID_OPTION",
      "Cannot make this durable: it is not what weave.init() resolves to; await it first",
    );
  }
  if (isAttached(client)) return client;
  const logs = makeLogs(options);
  if (!logs.wanted) return client;
  const attachments = new ClientAttachments(logs);
  attachments.attach(client);
  if (hasCompatibleQueue(client)) replaceQueue(client, attachments.logOf);
  else warnDelayedCalls(logs, "this version of weave", OTHER_VERSION);
  attachments.join(client);
  attachments.use(client);
  return client;
}

/**
 * Waits until everything that durable clients have written so far is delivered or dead-lettered,
 * and returns what is left. For platforms that freeze a program between requests. Never rejects.
 *
 * @param options Limits of the wait; default: wait until everything is delivered.
 *
 * @example
 * ```ts
 * import { flush } from "@weave-wal/client/durable";
 *
 * const { done, pendingRecords } = await flush({ timeout: 5000 });
 * if (!done) throw new Error(`${pendingRecords} records are still pending`);
 * ```
 */
export function flush(options?: FlushOptions): Promise<FlushResult> {
  return flushAll(options);
}

/**
 * Flushes and closes the logs of durable clients. Never rejects.
 *
 * @param options Limits of the wait; default: wait until everything is delivered.
 *
 * @example
 * ```ts
 * import { finish } from "@weave-wal/client/durable";
 *
 * const { done } = await finish({ timeout: 5000 });
 * if (!done) throw new Error("Records are still pending");
 * ```
 */
export function finish(options?: FlushOptions): Promise<FlushResult> {
  return finishAll(options);
}
