/**
 * Log on NATS JetStream.
 * @module
 */

import type {
  JetStreamClient,
  JetStreamManager,
  JetStreamPublishOptions,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../../runtime/runtime.ts";
import {
  EngineError,
  type EngineMessage,
  type LeaseStore,
  type LogEngine,
  type StreamState,
} from "../engine.ts";
import { ask } from "./errors.ts";
import { NatsLeases } from "./leases.ts";
import type { NatsModules } from "./modules.ts";
import { NatsReader } from "./reader.ts";
import { namesOf, type StreamFacts } from "./stream_config.ts";
import { firstMessage, firstPosition, removeMessage, stateOf } from "./stream_requests.ts";

/** Time limit for the acknowledgement of a message, in ms. */
const PUBLISH_MS = 5_000;

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

  publish(subject: string, payload: Uint8Array, id: string): Promise<number> {
    return this.#publish(subject, payload, { msgID: id });
  }

  /** A full stream would take a second message of the subject, and drop the oldest of others. */
  async keepDeadLetter(subject: string, payload: Uint8Array): Promise<void> {
    try {
      await this.#publish(subject, payload, { msgID: subject, expect: { lastSubjectSequence: 0 } });
    } catch (error) {
      if (!(error instanceof EngineError) || error.failure !== "conflict") throw error;
      const { manager, facts } = this.#options;
      const stored = await firstPosition(manager, namesOf(facts.name).deadLetters, subject, 1);
      if (stored === null) throw new EngineError("away", error.message, { cause: error });
    }
  }

  async #publish(
    subject: string,
    payload: Uint8Array,
    options: Partial<JetStreamPublishOptions>,
  ): Promise<number> {
    // A disconnected client would buffer the message and send it later.
    if (!this.#connected) throw new EngineError("away", "No connection");
    const { publishMs: timeout = PUBLISH_MS } = this.#options;
    const { seq } = await ask(() =>
      this.#client.publish(subject, payload, { ...options, timeout })
    );
    // Some servers give this answer to a copy of a message that no quorum has yet, or ever gets.
    if (seq === 0) throw new EngineError("away", "No quorum has the message yet");
    return seq;
  }

  read(filter: string, from: number): NatsReader {
    return new NatsReader({ ...this.#options, stream: this.facts.name, filter, from });
  }

  /**
   * Removes one message. A purge by subject would be one request for many, but in a cluster of
   * nats-server 2.9.10 it removes messages of other subjects once a node has been restarted.
   */
  remove(position: number): Promise<void> {
    return removeMessage(this.#options.manager, this.facts.name, position);
  }

  first(filter: string, from: number): Promise<EngineMessage | null> {
    return firstMessage(this.#options.manager, this.facts.name, filter, from);
  }

  state(): Promise<StreamState> {
    const { prefix, name } = this.facts;
    return stateOf(this.#options.manager, name, `${prefix}.>`);
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
