/**
 * Log on NATS JetStream.
 * @module
 */

import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../../runtime/runtime.ts";
import {
  EngineError,
  type EngineMessage,
  type LeaseStore,
  type LogEngine,
  type StreamState,
} from "../engine.ts";
import { asEngineError, ask, errorParts } from "./errors.ts";
import { NatsLeases } from "./leases.ts";
import type { NatsModules } from "./modules.ts";
import { NatsReader } from "./reader.ts";
import { namesOf, type StreamFacts } from "./stream_config.ts";

/** Time limit for the acknowledgement of a message, in ms. */
const PUBLISH_MS = 5_000;
/** Code of "no message found". */
const NO_MESSAGE = 10037;
/** Codes of a message that does not exist, or was removed. */
const MISSING = new Set([NO_MESSAGE, 10043, 10057]);

/** Options for {@linkcode NatsEngine}. */
export interface NatsEngineOptions {
  readonly modules: NatsModules;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly clock: Clock;
  readonly facts: StreamFacts;
  /** Time limit for the acknowledgement of a message, in ms; 5,000 by default. */
  readonly publishMs?: number;
}

/** Streams of a log, on one connection. */
export class NatsEngine implements LogEngine {
  readonly facts: StreamFacts;
  readonly #options: NatsEngineOptions;
  readonly #client: JetStreamClient;
  readonly #leases: LeaseStore;
  #connected = true;

  private constructor(options: NatsEngineOptions, leases: LeaseStore) {
    this.#options = options;
    this.facts = options.facts;
    this.#client = options.manager.jetstream();
    this.#leases = leases;
    void this.#watch();
  }

  /** Opens the streams, which must exist. @throws {EngineError} `away`. */
  static async open(options: NatsEngineOptions): Promise<NatsEngine> {
    const { modules: { kv }, manager, facts } = options;
    const { leases } = namesOf(facts.name);
    const bucket = await ask(() => new kv.Kvm(manager.jetstream()).open(leases));
    const { ttl } = await ask(() => bucket.status());
    return new NatsEngine(options, new NatsLeases(bucket, manager, leases, ttl));
  }

  get maxPayload(): number {
    return this.#options.connection.info?.max_payload ?? 1024 * 1024;
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  get leases(): LeaseStore {
    return this.#leases;
  }

  async publish(subject: string, payload: Uint8Array, id: string): Promise<number> {
    // A disconnected client would buffer the message and send it later.
    if (!this.#connected) throw new EngineError("away", "No connection");
    const { publishMs: timeout = PUBLISH_MS } = this.#options;
    return (await ask(() => this.#client.publish(subject, payload, { msgID: id, timeout }))).seq;
  }

  read(filter: string, from: number): NatsReader {
    return new NatsReader({ ...this.#options, stream: this.facts.name, filter, from });
  }

  /**
   * Removes one message at a time. A purge by subject would be one request, but in a cluster of
   * nats-server 2.9.10 it removes messages of other subjects once a node has been restarted.
   */
  async remove(positions: readonly number[]): Promise<void> {
    for (const position of positions) await ask(() => this.#remove(position));
  }

  async #remove(position: number): Promise<void> {
    try {
      await this.#options.manager.streams.deleteMessage(this.facts.name, position, false);
    } catch (error) {
      if (!MISSING.has(errorParts(error).code ?? 0)) throw error;
    }
  }

  async first(filter: string, from: number): Promise<EngineMessage | null> {
    try {
      const query = { seq: from, next_by_subj: filter };
      const { manager } = this.#options;
      // The leader answers: another node may still have removed messages.
      const found = await manager.streams.getMessage(this.facts.name, query);
      if (found === null) return null;
      const { subject, seq, time, data } = found;
      return { subject, seq, time: time.getTime(), payload: data };
    } catch (error) {
      if (errorParts(error).code === NO_MESSAGE) return null;
      throw asEngineError(error);
    }
  }

  async state(): Promise<StreamState> {
    const { prefix, name } = this.facts;
    const { manager } = this.#options;
    const query = { subjects_filter: `${prefix}.>` };
    const { state, config } = await ask(() => manager.streams.info(name, query));
    const { messages, bytes, last_seq: lastSeq, first_ts: first } = state;
    return {
      messages,
      bytes,
      maxBytes: config.max_bytes,
      lastSeq,
      oldest: messages === 0 ? null : Date.parse(`${first}`),
      subjects: new Map(Object.entries(state.subjects ?? {})),
    };
  }

  async close(): Promise<void> {
    const { connection } = this.#options;
    if (connection.isClosed()) return;
    await connection.drain().catch(() => connection.close());
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#options.connection.status()) {
      if (type === "disconnect" || type === "reconnecting") this.#connected = false;
      else if (type === "reconnect") this.#connected = true;
    }
    this.#connected = false;
  }
}
