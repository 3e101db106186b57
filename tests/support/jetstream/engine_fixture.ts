/**
 * A log on a real server, and names of its parts.
 *
 * @module
 */

import { parseLogAddress } from "../../../src/jetstream/nats/connect.ts";
import type { NatsEngine } from "../../../src/jetstream/nats/nats_engine.ts";
import { openEngine, type OpenEngineOptions } from "../../../src/jetstream/nats/open_engine.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";

/** An engine that closes its connection when disposed. */
export type TestEngine = NatsEngine & AsyncDisposable;

/**
 * Opens the engine of a log.
 *
 * @param address `host:port[,host:port…]`.
 * @param publishMs Time limit for the acknowledgement of a message, in ms.
 */
export async function openTestEngine(
  address: string,
  settings: OpenEngineOptions["settings"] = {},
  stream = "TEST",
  publishMs?: number,
): Promise<TestEngine> {
  const engine = await openEngine({
    runtime: detectRuntime(),
    address: parseLogAddress(`nats://${address}/${stream}`),
    settings: { leaseTtlMs: 1_000, ...settings },
    ...(publishMs === undefined ? {} : { publishMs }),
  });
  return Object.assign(engine, { [Symbol.asyncDispose]: () => engine.close() });
}
