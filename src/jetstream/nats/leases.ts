/**
 * Leases in a key-value bucket whose keys expire unless they are renewed.
 * @module
 */

import type { JetStreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { LeaseStore } from "../engine.ts";
import { ask } from "./errors.ts";

/** Lease store in a key-value bucket. */
export class NatsLeases implements LeaseStore {
  readonly ttlMs: number;
  readonly #bucket: KV;
  readonly #manager: JetStreamManager;
  readonly #name: string;

  /**
   * @param name Name of the bucket.
   * @param ttlMs Maximum age of a key in the bucket.
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

  /**
   * Removes the message itself: the bucket's own deletion would leave a marker that looks like a
   * key.
   */
  async remove(_: string, revision: number): Promise<void> {
    await ask(() => this.#manager.streams.deleteMessage(`KV_${this.#name}`, revision, false));
  }

  /** Uses one request with a time limit: an iterator over keys does not end if its server fails. */
  async keys(prefix: string): Promise<string[]> {
    const top = `$KV.${this.#name}.`;
    const query = { subjects_filter: `${top}${prefix}.*` };
    const { state } = await ask(() => this.#manager.streams.info(`KV_${this.#name}`, query));
    return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(top.length));
  }
}
