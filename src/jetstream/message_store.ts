/**
 * A stream as it is read for people, and looked after: what it holds now, in order.
 *
 * `nats/` implements it for NATS JetStream.
 *
 * @module
 */

import type { EngineMessage } from "./engine.ts";

/** Contents of a stream. */
export interface StoreState {
  readonly messages: number;
  readonly bytes: number;
  /** -1 for no limit. */
  readonly maxBytes: number;
  /** Position of the last message, also where it is removed. */
  readonly lastSeq: number;
  /** Messages by subject. */
  readonly subjects: ReadonlyMap<string, number>;
}

/** Positions of messages. */
export interface StoreRange {
  /** Position to begin at; the beginning unless given. */
  readonly from?: number;
  /** Position to stop before; where the stream ends now unless given. */
  readonly to?: number;
}

/** The messages of one stream. */
export interface MessageStore {
  /** Name of the stream. */
  readonly name: string;
  /** Contents now, of the subjects that match `filter`. @throws {EngineError} `away`. */
  state(filter: string): Promise<StoreState>;
  /** Reads messages whose subjects match `filter`, in order. @throws {EngineError} `away`. */
  read(filter: string, range?: StoreRange): AsyncGenerator<EngineMessage>;
  /**
   * The first message at or behind `from` that matches `filter`; `null` if there is none.
   *
   * @throws {EngineError} `away`.
   */
  first(filter: string, from: number): Promise<EngineMessage | null>;
  /**
   * Puts a message in the place of the one at `seq`, which has the same subject.
   *
   * @throws {EngineError} `conflict` if there is another one; `full`, `away`, `refused`.
   */
  replace(seq: number, subject: string, payload: Uint8Array): Promise<void>;
  /** Removes a message; without an effect if it is not there. @throws {EngineError} `away`. */
  remove(seq: number): Promise<void>;
}

/** Stores of a log, on one connection. */
export interface LogStores {
  /** First part of all subjects. */
  readonly prefix: string;
  readonly partitions: number;
  /** Base URL of the server that the records are for; `null` for any. */
  readonly server: string | null;
  /** Records by partition and project. */
  readonly records: MessageStore;
  readonly deadLetters: MessageStore;
  /** Leases and senders: keys that vanish unless they are written again. */
  readonly keys: MessageStore;
  /** Ends the connection. */
  close(): Promise<void>;
}
