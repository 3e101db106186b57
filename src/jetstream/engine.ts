/**
 * Interface of the engine that stores a log. `nats/` implements it with NATS JetStream; the
 * simulation implements it in memory, with faults.
 * @module
 */

/** Message of the stream: records of one project in one partition, one per line. */
export interface EngineMessage {
  readonly subject: string;
  /** Position in the stream; increases, with gaps. */
  readonly seq: number;
  /** Time at which the engine stored it, epoch ms. */
  readonly time: number;
  readonly payload: Uint8Array;
}

/**
 * Reason for a failed request to the engine.
 * - `full`: the stream is at its limit.
 * - `away`: no quorum responded; the request may have taken effect.
 * - `conflict`: another process was first.
 * - `refused`: the engine rejects the request permanently.
 */
export type EngineFailure = "full" | "away" | "conflict" | "refused";

/** Error of the engine. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly failure: EngineFailure;

  /** Creates an error whose message contains no credentials. */
  constructor(failure: EngineFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.failure = failure;
  }
}

/** Reads the messages of one partition in order, each once. */
export interface MessageReader {
  /**
   * Resolves with the next messages as soon as there are any: at most `maxBytes`, or a single
   * larger message. Resolves with none after a few seconds without a message, and after `close()`.
   * @throws {EngineError} `away`; the next call continues after the last returned message.
   */
  next(maxBytes: number): Promise<readonly EngineMessage[]>;
  /** Ends a pending `next()` and frees this reader's resources in the engine. */
  close(): Promise<void>;
}

/** Keys that expire unless they are renewed. */
export interface LeaseStore {
  /** Ms after which a key expires if it is not renewed. */
  readonly ttlMs: number;
  /**
   * Creates a key and returns its revision. @throws {EngineError} `conflict` if it exists; `away`.
   */
  create(key: string, value: string): Promise<number>;
  /** Renews a key. @throws {EngineError} `conflict` if it is not at `revision`; `away`. */
  update(key: string, value: string, revision: number): Promise<number>;
  /** Deletes a key. @throws {EngineError} `conflict` if it is not at `revision`; `away`. */
  remove(key: string, revision: number): Promise<void>;
  /** Returns the keys that begin with `prefix` and a dot. @throws {EngineError} `away`. */
  keys(prefix: string): Promise<string[]>;
}

/** Contents of a stream. */
export interface StreamState {
  readonly messages: number;
  readonly bytes: number;
  /** -1 for no limit. */
  readonly maxBytes: number;
  /** Position of the last message, even if it has been removed. */
  readonly lastSeq: number;
  /** Number of messages by subject. */
  readonly subjects: ReadonlyMap<string, number>;
}

/** Stream of an engine that acknowledges a request once a quorum of its nodes has the data. */
export interface LogEngine {
  /** Maximum size of a message, in bytes. */
  readonly maxPayload: number;
  /** Whether the engine is reachable, according to the connection's last known state. */
  readonly isConnected: boolean;
  readonly leases: LeaseStore;
  /**
   * Appends a message to the stream of its subject; resolves with its position when a quorum has
   * it. Messages of one connection are appended in the order of the calls.
   * @param id Messages with the same ID within two minutes are stored once.
   * @throws {EngineError} `full`, `away`, `refused`.
   */
  publish(subject: string, payload: Uint8Array, id: string): Promise<number>;
  /**
   * Stores a dead letter, unless there is one with its subject; resolves when a quorum has it.
   * @throws {EngineError} `full`, `away`, `refused`.
   */
  keepDeadLetter(subject: string, payload: Uint8Array): Promise<void>;
  /** Reads the log's messages whose subjects match `filter`, starting at position `from`. */
  read(filter: string, from: number): MessageReader;
  /**
   * Removes the message at a position; no effect if it does not exist. @throws {EngineError} `away`.
   */
  remove(position: number): Promise<void>;
  /**
   * Returns the first message at or after `from` that matches `filter`; `null` if there is none.
   * @throws {EngineError} `away`.
   */
  first(filter: string, from: number): Promise<EngineMessage | null>;
  /** Returns the stream's current contents. @throws {EngineError} `away`. */
  state(): Promise<StreamState>;
  /** Closes the connection once requests in progress have ended. */
  close(): Promise<void>;
}

/** Open stream of a log. */
export interface OpenStream {
  readonly engine: LogEngine;
  /** First token of all subjects. */
  readonly prefix: string;
  readonly partitions: number;
}

/** Returns the stream; `null` until its engine has been reached. */
export type StreamSource = () => OpenStream | null;
