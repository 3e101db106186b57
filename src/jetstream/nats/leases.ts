/**
 * Leases in a key-value bucket whose keys vanish unless they are written again.
 *
 * @module
 */

import type { JetStreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { LeaseStore } from "../engine.ts";
import { ask } from "./errors.ts";

/** A bucket as a store of leases. */
export class NatsLeases implements LeaseStore {
  readonly ttlMs: number;
  readonly #bucket: KV;
  readonly #manager: JetStreamManager;
  readonly #name: string;

  /**
   * @param name Name of the bucket.
   * @param ttlMs The bucket's own limit for the age of a key.
   */
  constructor(bucket: KV, manager: JetStreamManager, name: string, ttlMs: number) {
    this.#bucket = bucket;
    this.#manager = manager;
    this.#name = name;
    this.ttlMs = ttlMs;
  }

  create(key: string, value: string): Promise<number> {
    return ask(() => this.#bucket.create(key, value));
  }

  update(key: string, value: string, revision: number): Promise<number> {
    return ask(() => this.#bucket.update(key, value, revision));
  }

  /** Removes the message: the marker that the bucket's own way leaves would look like a key. */
  async remove(_: string, revision: number): Promise<void> {
    await ask(() => this.#manager.streams.deleteMessage(`KV_${this.#name}`, revision, false));
  }

  /** One request, with a time limit: an iterator over keys does not end if its server does. */
  async keys(prefix: string): Promise<string[]> {
    const top = `$KV.${this.#name}.`;
    const query = { subjects_filter: `${top}${prefix}.*` };
    const { state } = await ask(() => this.#manager.streams.info(`KV_${this.#name}`, query));
    return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(top.length));
  }
}
