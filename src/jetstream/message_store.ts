/**
 * Read and maintenance interface of a stream: its current contents, in order. `nats/` implements it
 * for NATS JetStream.
 * @module
 */

import type { EngineMessage, StreamState } from "./engine.ts";

/** Range of message positions. */
export interface StoreRange {
  /** Start position; by default, the beginning. */
  readonly from?: number;
  /** End position, exclusive; by default, the current end of the stream. */
  readonly to?: number;
}

/** Messages of one stream. */
export interface MessageStore {
  /** Name of the stream. */
  readonly name: string;
  /**
   * Returns the current contents of the subjects that match `filter`. @throws {EngineError} `away`.
   */
  state(filter: string): Promise<StreamState>;
  /** Reads messages whose subjects match `filter`, in order. @throws {EngineError} `away`. */
  read(filter: string, range?: StoreRange): AsyncGenerator<EngineMessage>;
  /**
   * Returns the first message at or after `from` that matches `filter`; `null` if there is none.
   * @throws {EngineError} `away`.
   */
  first(filter: string, from: number): Promise<EngineMessage | null>;
  /**
   * Replaces the message at `seq`, which has the same subject.
   * @throws {EngineError} `conflict` if another message is there; `full`, `away`, `refused`.
   */
  replace(seq: number, subject: string, payload: Uint8Array): Promise<void>;
  /** Removes a message; no effect if it does not exist. @throws {EngineError} `away`. */
  remove(seq: number): Promise<void>;
}

/** Something wrong with a stream itself. */
export interface StreamFault {
  /** Name of the stream. */
  readonly stream: string;
  /** `missing`: it does not exist; `settings`, `replica`: one of them. */
  readonly kind: "missing" | "settings" | "replica";
  readonly message: string;
  /** Whether it needs no action. */
  readonly harmless?: boolean;
}

/** Stores of a log, on one connection. */
export interface LogStores {
  /** First token of all subjects. */
  readonly prefix: string;
  readonly partitions: number;
  /** Base URL of the server that the records are for; `null` for any. */
  readonly server: string | null;
  /** Records by partition and project. */
  readonly records: MessageStore;
  readonly deadLetters: MessageStore;
  /** Leases and senders: keys that expire unless they are renewed. */
  readonly keys: MessageStore;
  /** Closes the connection. */
  close(): Promise<void>;
}
