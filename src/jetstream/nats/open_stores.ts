/**
 * Opens the streams of a log for reading; creates and changes nothing.
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { LeaseStore } from "../engine.ts";
import type { LogStores, StreamFault } from "../message_store.ts";
import { connectTo, formatAddress, type LogAddress } from "./connect.ts";
import { ask } from "./errors.ts";
import { NatsLeases } from "./leases.ts";
import { loadNats } from "./modules.ts";
import { NatsMessages } from "./nats_messages.ts";
import { checkStreams } from "./stream_check.ts";
import { namesOf, planStreams, type StreamFacts } from "./stream_config.ts";

/** Streams of a log, and its leases. */
export interface NatsStores extends LogStores {
  readonly facts: StreamFacts;
  /** Compares the streams with what a log relies on. @throws {EngineError} `away`. */
  faults(): Promise<readonly StreamFault[]>;
  /** Opens the bucket of leases. @throws {EngineError} `away`. */
  leases(): Promise<LeaseStore>;
}

/**
 * Connects to an existing log.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` if there is none. @throws {EngineError} `away`.
 */
export async function openStores(runtime: Runtime, address: LogAddress): Promise<NatsStores> {
  const modules = await loadNats();
  const connection = await connectTo(modules, runtime, address);
  try {
    const manager = await ask(() => modules.jetstream.jetstreamManager(connection));
    const { facts, missing } = await planStreams(manager, { name: address.stream });
    const names = namesOf(address.stream);
    if (missing.includes(names.stream)) {
      throw new WeaveWalError(
        "ERR_INVALID_OPTION",
        `Cannot find a log at ${formatAddress(address)}: there is no stream ${names.stream}; ` +
          "start a relay with this --log to create it",
      );
    }
    const { clock } = runtime;
    const store = (name: string) => new NatsMessages({ modules, connection, manager, clock, name });
    const { prefix, partitions, server } = facts;
    return {
      facts,
      prefix,
      partitions,
      server,
      records: store(names.stream),
      deadLetters: store(names.deadLetters),
      keys: store(`KV_${names.leases}`),
      faults: () => checkStreams(manager, facts),
      async leases() {
        const bucket = await ask(() => new modules.kv.Kvm(manager.jetstream()).open(names.leases));
        const { ttl } = await ask(() => bucket.status());
        return new NatsLeases(bucket, manager, names.leases, ttl);
      },
      async close() {
        if (!connection.isClosed()) await connection.drain().catch(() => connection.close());
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
