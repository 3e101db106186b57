/**
 * The official `weave` package with a log, for programs that rather say so in code than preload
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
 * Makes a client of the official SDK durable: every write is in the log on disk before the SDK goes
 * on, and is delivered from there.
 *
 * @param client What `await weave.init("team/project")` gave.
 * @param options Where and how to log; `WEAVE_ENABLE_WAL=false` switches the log off all the same.
 * @returns The same client.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for a value that is not a client of the SDK and for
 *   options that cannot be used, `ERR_INVALID_NAME`, `ERR_LOG_UNWRITABLE`.
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
 * Waits until all that durable clients wrote so far is delivered or dead-lettered, and reports what is
 * left: for hosts that freeze a program between requests. Never rejects.
 *
 * @param options Limits of the wait; default: until all is delivered.
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
 * @param options Limits of the wait; default: until all is delivered.
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
