/**
 * A simulated JetStream stream: nodes that elect leaders, lost acknowledgments, and
 * connections of processes that die.
 *
 * @module
 */

import {
  EngineError,
  type EngineMessage,
  type LeaseStore,
  type LogEngine,
  type MessageReader,
  type StreamState,
} from "../../../src/jetstream/engine.ts";
import type { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import type { Random } from "../scenario/random.ts";
import { readStream } from "./sim_reader.ts";

/** Ms after which a request without a response fails. */
const TIMEOUT_MS = 5_000;
/** Ms within which messages with the same ID are stored once. */
const DUPLICATES_MS = 120_000;
/** Ms without a heartbeat after which a lease expires. */
const TTL_MS = 10_000;

interface Stored extends EngineMessage {
  readonly id: string;
}

interface Lease {
  readonly value: string;
  readonly revision: number;
  readonly until: number;
}

/** Probabilities of faults. */
export interface StreamFaults {
  /** A request is executed, and its response is lost. */
  readonly lostReplies: number;
  /** A message is delivered twice, swapped with the next one, or not delivered. */
  readonly badReads: number;
  /** A consumer whose node lags skips a message, and continues its count. */
  readonly skips: number;
}

export const NO_FAULTS: StreamFaults = { lostReplies: 0, badReads: 0, skips: 0 };

/** The stream, as agreed by a quorum of its nodes. */
export class SimStream {
  readonly clock: MemoryClock;
  readonly random: Random;
  readonly maxBytes: number;
  messages: Stored[] = [];
  faults: StreamFaults = NO_FAULTS;
  readonly leases: Map<string, Lease> = new Map();
  readonly #ids = new Map<string, { seq: number; at: number }>();
  #last = 0;
  #revision = 0;
  #electedAt = 0;
  /** Readers waiting for a message. */
  readonly #waiting = new Set<() => void>();

  constructor(clock: MemoryClock, random: Random, maxBytes: number) {
    this.clock = clock;
    this.random = random;
    this.maxBytes = maxBytes;
  }

  /** Starts an election: for `ms`, there is no leader and no request is executed. */
  elect(ms: number): void {
    this.#electedAt = Math.max(this.#electedAt, this.clock.monotonic() + ms);
    this.#wake();
  }

  /** Whether there is a leader. */
  get hasLeader(): boolean {
    return this.clock.monotonic() >= this.#electedAt;
  }

  /** Stores a message, unless its ID is known. @throws {EngineError} `full`. */
  store(subject: string, payload: Uint8Array, id: string): number {
    const now = this.clock.monotonic();
    const known = this.#ids.get(id);
    if (known !== undefined && now - known.at < DUPLICATES_MS) return known.seq;
    if (!isDeadLetter(subject) && this.bytes + payload.length > this.maxBytes) {
      throw new EngineError("full", "Full");
    }
    const seq = ++this.#last;
    this.messages.push({ subject, payload: payload.slice(), id, seq, time: this.clock.now() });
    this.#ids.set(id, { seq, at: now });
    this.#wake();
    return seq;
  }

  /** Size of the log in bytes; dead letters are in a stream of their own. */
  get bytes(): number {
    return this.messages.reduce(
      (sum, { subject, payload }) => isDeadLetter(subject) ? sum : sum + payload.length,
      0,
    );
  }

  get lastSeq(): number {
    return this.#last;
  }

  /** The current holder of a lease. */
  holder(key: string): string | undefined {
    return this.#lease(key)?.value;
  }

  createLease(key: string, value: string): number {
    if (this.#lease(key)) throw new EngineError("conflict", "Held");
    return this.#putLease(key, value);
  }

  updateLease(key: string, value: string, revision: number): number {
    if (this.#lease(key)?.revision !== revision) throw new EngineError("conflict", "Changed");
    return this.#putLease(key, value);
  }

  removeLease(key: string, revision: number): void {
    if (this.#lease(key)?.revision !== revision) throw new EngineError("conflict", "Changed");
    this.leases.delete(key);
  }

  /** Calls `then` at the next message or election. */
  changed(then: () => void): () => void {
    this.#waiting.add(then);
    return () => void this.#waiting.delete(then);
  }

  #lease(key: string): Lease | undefined {
    const lease = this.leases.get(key);
    return lease && lease.until > this.clock.monotonic() ? lease : undefined;
  }

  #putLease(key: string, value: string): number {
    const until = this.clock.monotonic() + TTL_MS;
    this.leases.set(key, { value, revision: ++this.#revision, until });
    return this.#revision;
  }

  #wake(): void {
    for (const then of [...this.#waiting]) then();
  }
}

/** A process's connection to the stream. */
export class SimConnection implements LogEngine {
  readonly maxPayload: number = 1024 * 1024;
  readonly stream: SimStream;
  readonly leases: LeaseStore;
  /** Number of closed consumers of this connection. */
  closedConsumers = 0;
  #dead = false;
  /** Arrival time of the last message: messages of a connection arrive in order. */
  #arrival = 0;

  constructor(stream: SimStream) {
    this.stream = stream;
    this.leases = {
      ttlMs: TTL_MS,
      create: (key, value) => this.#ask(() => stream.createLease(key, value)),
      update: (key, value, revision) => this.#ask(() => stream.updateLease(key, value, revision)),
      remove: (key, revision) => this.#ask(() => stream.removeLease(key, revision)),
      keys: (prefix) =>
        this.#ask(() =>
          [...stream.leases.keys()].filter((key) =>
            key.startsWith(`${prefix}.`) && stream.holder(key) !== undefined
          )
        ),
    };
  }

  get isConnected(): boolean {
    return true;
  }

  /** Kills the process: requests in flight arrive, but their responses are lost. */
  kill(): void {
    this.#dead = true;
  }

  get isDead(): boolean {
    return this.#dead;
  }

  publish(subject: string, payload: Uint8Array, id: string): Promise<number> {
    const copy = payload.slice();
    return this.#ask(() => this.stream.store(subject, copy, id));
  }

  async keepDeadLetter(subject: string, payload: Uint8Array): Promise<void> {
    await this.publish(subject, payload, subject);
  }

  read(filter: string, from: number): MessageReader {
    return readStream(this, filter, from);
  }

  remove(position: number): Promise<void> {
    const { stream } = this;
    return this.#ask(() => {
      stream.messages = stream.messages.filter(({ seq }) => seq !== position);
    });
  }

  first(filter: string, from: number): Promise<EngineMessage | null> {
    return this.#ask(() =>
      this.stream.messages.find(({ seq, subject }) => seq >= from && matches(filter, subject)) ??
        null
    );
  }

  state(): Promise<StreamState> {
    const { stream } = this;
    return this.#ask(() => ({
      messages: stream.messages.length,
      bytes: stream.bytes,
      maxBytes: stream.maxBytes,
      lastSeq: stream.lastSeq,
      subjects: new Map(),
    }));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Sends a request to the leader; the request, its execution and its response may each
   * be lost.
   */
  #ask<T>(carryOut: () => T): Promise<T> {
    const { clock, random, faults } = this.stream;
    if (this.#dead) return new Promise(() => {});
    const now = clock.monotonic();
    this.#arrival = Math.max(this.#arrival, now + random.int(1, 20));
    return new Promise((resolve, reject) => {
      const answer = (ms: number, give: () => void): void => {
        clock.after(ms, () => {
          if (!this.#dead) give();
        });
      };
      const away = (): void =>
        answer(TIMEOUT_MS, () => reject(new EngineError("away", "No response")));
      clock.after(this.#arrival - now, () => {
        if (!this.stream.hasLeader) {
          // A former leader may still execute it some time later.
          if (random.chance(0.3)) {
            clock.after(random.int(0, TIMEOUT_MS), () => {
              try {
                carryOut();
              } catch { /* The request is dropped. */ }
            });
          }
          return away();
        }
        try {
          const result = carryOut();
          if (random.chance(faults.lostReplies)) return away();
          answer(random.int(1, 20), () => resolve(result));
        } catch (error) {
          answer(random.int(1, 20), () => reject(error));
        }
      });
    });
  }
}

/** Whether a message is a dead letter. */
export function isDeadLetter(subject: string): boolean {
  return subject.includes("-dead.");
}

/** Whether a subject matches a filter that ends with `>`. */
export function matches(filter: string, subject: string): boolean {
  return subject.startsWith(filter.replace(/>$/, ""));
}
