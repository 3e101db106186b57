/**
 * The engine that keeps a log, as the log uses it. `nats/` implements it for NATS JetStream; the
 * simulation implements it in memory, with faults.
 *
 * @module
 */

/** A message of the stream: records of one project in one partition, one line each. */
export interface EngineMessage {
  readonly subject: string;
  /** Position in the stream; grows, with gaps. */
  readonly seq: number;
  /** When the engine took it, epoch ms. */
  readonly time: number;
  readonly payload: Uint8Array;
}

/**
 * Why the engine did not do what it was asked for.
 *
 * - `full`: the stream has reached its limit.
 * - `away`: no quorum responded; what was asked for may have been done.
 * - `conflict`: another process was first.
 * - `refused`: the engine says that it will never do it.
 */
export type EngineFailure = "full" | "away" | "conflict" | "refused";

/** An error of the engine. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly failure: EngineFailure;

  /** Makes an error; the message names no credentials. */
  constructor(failure: EngineFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.failure = failure;
  }
}

/** Reads the messages of one partition in order, each once. */
export interface MessageReader {
  /**
   * Resolves with the next messages, as soon as there are any: at most `maxBytes` of them, but for a
   * single larger one. Resolves with none after a few seconds without a message, and after `close()`.
   *
   * @throws {EngineError} `away`; the next call goes on behind the last message that was returned.
   */
  next(maxBytes: number): Promise<readonly EngineMessage[]>;
  /** Ends a `next()` that waits, and frees what the engine keeps for this reader. */
  close(): Promise<void>;
}

/** Keys that vanish unless they are written again in time. */
export interface LeaseStore {
  /** Ms after which a key that was not written again vanishes. */
  readonly ttlMs: number;
  /** Makes a key and returns its revision. @throws {EngineError} `conflict` if there is one; `away`. */
  create(key: string, value: string): Promise<number>;
  /** Writes a key again. @throws {EngineError} `conflict` if it is not at `revision`; `away`. */
  update(key: string, value: string, revision: number): Promise<number>;
  /** Removes a key. @throws {EngineError} `conflict` if it is not at `revision`; `away`. */
  remove(key: string, revision: number): Promise<void>;
  /** Keys that begin with `prefix` and a dot. @throws {EngineError} `away`. */
  keys(prefix: string): Promise<string[]>;
}

/** Contents of a stream. */
export interface StreamState {
  readonly messages: number;
  readonly bytes: number;
  /** -1 for no limit. */
  readonly maxBytes: number;
  /** Position of the last message, also where it is removed. */
  readonly lastSeq: number;
  /** When the oldest message was stored, epoch ms; `null` if there is none. */
  readonly oldest: number | null;
  /** Messages by subject. */
  readonly subjects: ReadonlyMap<string, number>;
}

/** A stream of an engine that answers when a quorum of its nodes has what it was given. */
export interface LogEngine {
  /** Bytes of a message at most. */
  readonly maxPayload: number;
  /** Whether the engine can be reached, as far as it is known without asking. */
  readonly isConnected: boolean;
  readonly leases: LeaseStore;
  /**
   * Appends a message to the stream of its subject, and resolves with its position when a quorum has
   * it. Messages of one connection are appended in the order of the calls.
   *
   * @param id Messages with the same ID within two minutes are stored once.
   * @throws {EngineError} `full`, `away`, `refused`.
   */
  publish(subject: string, payload: Uint8Array, id: string): Promise<number>;
  /** Reads the log's messages whose subjects match `filter`, beginning with position `from`. */
  read(filter: string, from: number): MessageReader;
  /** Removes the log's messages that match `filter` below position `to`. @throws {EngineError} `away`. */
  purge(filter: string, to: number): Promise<void>;
  /**
   * The first message at or behind `from` that matches `filter`; `null` if there is none.
   *
   * @throws {EngineError} `away`.
   */
  first(filter: string, from: number): Promise<EngineMessage | null>;
  /** Contents of the stream now. @throws {EngineError} `away`. */
  state(): Promise<StreamState>;
  /** Ends the connection after what is in progress. */
  close(): Promise<void>;
}

/** A log's stream that is open. */
export interface OpenStream {
  readonly engine: LogEngine;
  /** First part of all subjects. */
  readonly prefix: string;
  readonly partitions: number;
}

/** Gives the stream; `null` while its engine could not be reached yet. */
export type StreamSource = () => OpenStream | null;
