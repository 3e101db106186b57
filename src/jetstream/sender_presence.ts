/**
 * The senders of a stream: a key each, which vanishes when its sender dies.
 *
 * @module
 */

import { EngineError, type LeaseStore } from "./engine.ts";
import { partitionOf } from "./subjects.ts";

const PREFIX = "sender";
/** Steps of {@linkcode SenderPresence.place}. */
const PLACES = 1 << 16;

/** The key of this sender, and the number of all. */
export class SenderPresence {
  /** A place in [0, 1) that hardly two senders have in common. */
  readonly place: number;
  readonly #store: LeaseStore;
  readonly #token: string;
  readonly #key: string;
  #revision: number | null = null;

  /** @param token The token of this process. */
  constructor(store: LeaseStore, token: string) {
    this.#store = store;
    this.#token = token;
    this.#key = `${PREFIX}.${token.replace(/[^\w-]/g, "-")}`;
    this.place = partitionOf(token, PLACES) / PLACES;
  }

  /** Writes the key again. @throws {EngineError} `away`. */
  async heartbeat(): Promise<void> {
    try {
      this.#revision = this.#revision === null
        ? await this.#store.create(this.#key, this.#token)
        : await this.#store.update(this.#key, this.#token, this.#revision);
    } catch (error) {
      this.#revision = null;
      // After an outage, the key is made again once the old one has vanished.
      if (!(error instanceof EngineError) || error.failure !== "conflict") throw error;
    }
  }

  /** The number of senders. @throws {EngineError} `away`. */
  async count(): Promise<number> {
    return (await this.#store.keys(PREFIX)).length;
  }

  /** Removes the key. Never rejects. */
  async end(): Promise<void> {
    if (this.#revision !== null) {
      await this.#store.remove(this.#key, this.#revision).catch(() => {});
    }
  }
}
