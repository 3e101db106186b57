/**
 * Registers the senders of a stream: each has a key, which expires when the sender dies.
 * @module
 */

import { EngineError, type LeaseStore } from "../engine.ts";
import { partitionOf } from "../subjects.ts";

/** First part of the keys of senders. */
export const SENDER_PREFIX = "sender";
/** Steps of {@linkcode SenderPresence.place}. */
const PLACES = 1 << 16;

/** Key of this sender, and the number of all senders. */
export class SenderPresence {
  /** Number in [0, 1) that is probably unique among the senders. */
  readonly place: number;
  readonly #store: LeaseStore;
  readonly #describe: () => string;
  readonly #key: string;
  #revision: number | null = null;

  /**
   * @param token The token of this process.
   * @param describe Returns the value of the key: the process and its status.
   */
  constructor(store: LeaseStore, token: string, describe: () => string) {
    this.#store = store;
    this.#describe = describe;
    this.#key = `${SENDER_PREFIX}.${token.replace(/[^\w-]/g, "-")}`;
    this.place = partitionOf(token, PLACES) / PLACES;
  }

  /** Renews the key. @throws {EngineError} `away`. */
  async heartbeat(): Promise<void> {
    try {
      this.#revision = this.#revision === null
        ? await this.#store.create(this.#key, this.#describe())
        : await this.#store.update(this.#key, this.#describe(), this.#revision);
    } catch (error) {
      this.#revision = null;
      // After an outage, the key is created again once the old one has expired.
      if (!(error instanceof EngineError) || error.failure !== "conflict") throw error;
    }
  }

  /** Returns the number of senders. @throws {EngineError} `away`. */
  async count(): Promise<number> {
    return (await this.#store.keys(SENDER_PREFIX)).length;
  }

  /** Removes the key. Never rejects. */
  async end(): Promise<void> {
    if (this.#revision !== null) {
      await this.#store.remove(this.#key, this.#revision).catch(() => {});
    }
  }
}
