/**
 * A log on NATS JetStream, as the commands read it.
 *
 * @module
 */

import { formatAddress } from "../../jetstream/nats/connect.ts";
import { type NatsStores, openStores } from "../../jetstream/nats/open_stores.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../exit_codes.ts";
import type { LogPart } from "../logs/log_part.ts";
import type { LogStore } from "../logs/log_store.ts";
import type { LogFilter } from "../logs/projects.ts";
import type { VerifyScope } from "../verify/log_verifier.ts";
import { streamAddress } from "./log_option.ts";
import { StreamDeadLetters } from "./stream_dead_letters.ts";
import { streamParts } from "./stream_parts.ts";
import { StreamStatus } from "./stream_status.ts";
import { StreamVerifier } from "./stream_verifier.ts";

/** A stream, open. */
class StreamStore implements LogStore {
  readonly place: string;
  readonly partKind = "project";
  readonly deadLetters: StreamDeadLetters;
  readonly #runtime: Runtime;
  readonly #stores: NatsStores;

  constructor(runtime: Runtime, stores: NatsStores, place: string) {
    this.place = place;
    this.deadLetters = new StreamDeadLetters(runtime.clock, stores);
    this.#runtime = runtime;
    this.#stores = stores;
  }

  isThere(): boolean {
    return true;
  }

  parts(path: string | undefined, filter: LogFilter): Promise<LogPart[]> {
    if (path !== undefined) throw new CommandError("Cannot use a path with --log");
    return streamParts(this.#runtime.clock, this.#stores, filter);
  }

  hasPath(): boolean {
    return false;
  }

  status(filter: LogFilter): StreamStatus {
    return new StreamStatus(this.#runtime, this.#stores, this.place, filter);
  }

  verifier(scope: VerifyScope): Promise<StreamVerifier> {
    return StreamVerifier.open(this.#runtime.clock, this.#stores, this.place, scope);
  }

  /** A stream keeps no trace of projects whose records are delivered. */
  missing(): Promise<null> {
    return Promise.resolve(null);
  }
}

/**
 * Runs `use` on the log at an address.
 *
 * @throws {EngineError} if it cannot be reached. @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export async function useStreamStore<Result>(
  { runtime }: Context,
  log: string,
  use: (store: LogStore) => Promise<Result>,
): Promise<Result> {
  const address = await streamAddress(log);
  const stores = await openStores(runtime, address);
  try {
    return await use(new StreamStore(runtime, stores, formatAddress(address)));
  } finally {
    await stores.close();
  }
}
