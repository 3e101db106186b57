/**
 * Leases in a key-value bucket whose keys vanish unless they are written again.
 *
 * @module
 */

import type { KV } from "@nats-io/kv";
import type { LeaseStore } from "../engine.ts";
import { ask } from "./errors.ts";

/** A bucket as a store of leases. */
export class NatsLeases implements LeaseStore {
  readonly ttlMs: number;
  readonly #bucket: KV;

  /** @param ttlMs The bucket's own limit for the age of a key. */
  constructor(bucket: KV, ttlMs: number) {
    this.#bucket = bucket;
    this.ttlMs = ttlMs;
  }

  create(key: string, value: string): Promise<number> {
    return ask(() => this.#bucket.create(key, value));
  }

  update(key: string, value: string, revision: number): Promise<number> {
    return ask(() => this.#bucket.update(key, value, revision));
  }

  remove(key: string, revision: number): Promise<void> {
    return ask(() => this.#bucket.delete(key, { previousSeq: revision }));
  }

  keys(prefix: string): Promise<string[]> {
    return ask(async () => {
      const found: string[] = [];
      for await (const key of await this.#bucket.keys(`${prefix}.*`)) found.push(key);
      return found;
    });
  }
}
