/**
 * Reads, retries and drops the dead letters in a stream.
 * @module
 */

import type { Clock, Timer } from "../../runtime/runtime.ts";
import {
  type DeadLetterEntry,
  parseDeadLetter,
} from "../../wal/dead_letters/dead_letter_reader.ts";
import type { HeldDeadLetters } from "../../wal/dead_letters/held_dead_letters.ts";
import { deadLetterPrefix } from "./dead_letter_writer.ts";
import type { EngineMessage, LeaseStore } from "../engine.ts";
import type { MessageStore, StoreRange } from "../message_store.ts";
import { DEAD_LETTER_LEASE, heartbeatMs, StreamLease } from "../sending/stream_lease.ts";
import { placeOfSubject, projectOfSubject, type SubjectPlace } from "../subjects.ts";

/** Dead letter of the stream. */
export interface StreamDeadLetter {
  /** Permanent ID: the position of its record and the byte offset in the message. */
  readonly id: string;
  readonly entity: string;
  readonly project: string;
  readonly subject: string;
  /** `position` is that of the message in the dead-letter stream. */
  readonly entry: DeadLetterEntry;
}

/** Reads the dead letters, oldest first. @throws {EngineError} `away`. */
export async function* readDeadLetterStream(
  store: MessageStore,
  prefix: string,
  range: StoreRange = {},
): AsyncGenerator<StreamDeadLetter> {
  for await (const message of store.read(`${deadLetterPrefix(prefix)}.>`, range)) {
    yield deadLetterOf(message);
  }
}

/** Returns the permanent ID of a dead letter: `<partition>-<position>:<offset>` of its record. */
export function deadLetterIdOf(subject: string): string {
  const [partition, position, offset] = subject.split(".").slice(-5, -2);
  return `${partition}-${position}:${offset}`;
}

/** Returns the project of a dead letter; `null` if the subject is not that of a dead letter. */
export function placeOfDeadLetter(prefix: string, subject: string): SubjectPlace | null {
  const top = deadLetterPrefix(prefix);
  const [position, offset] = subject.split(".").slice(-4, -2);
  if (!/^\d+$/.test(position ?? "") || !/^\d+$/.test(offset)) return null;
  return placeOfSubject(top, subject.replace(`.${position}.${offset}.`, "."));
}

/** Parses a message of the stream. */
export function deadLetterOf({ subject, seq, payload }: EngineMessage): StreamDeadLetter {
  const [entity, project = ""] = projectOfSubject(subject).split("/");
  const line = payload.at(-1) === 10 ? payload.subarray(0, -1) : payload;
  return {
    id: deadLetterIdOf(subject),
    entity,
    project,
    subject,
    entry: parseDeadLetter(seq, line),
  };
}

/** Options for {@linkcode holdDeadLetters}. */
export interface HoldOptions {
  readonly store: MessageStore;
  readonly leases: LeaseStore;
  readonly prefix: string;
  readonly clock: Clock;
  /** Identifies this process. */
  readonly token: string;
}

/** Dead letters of a stream, held by this process. */
export interface HeldStream extends HeldDeadLetters {
  /** Returns the permanent ID of an entry. */
  idOf(entry: DeadLetterEntry): string;
  /** Releases the dead letters. Never rejects. */
  release(): Promise<void>;
}

/**
 * Acquires the lease for taking dead letters out; `null` if another process holds it.
 * @throws {EngineError} `away`.
 */
export async function holdDeadLetters(options: HoldOptions): Promise<HeldStream | null> {
  const { leases, clock, token } = options;
  const lease = await StreamLease.take(leases, clock, DEAD_LETTER_LEASE, token);
  return lease && new Held(options, lease);
}

class Held implements HeldStream {
  readonly #options: HoldOptions;
  readonly #lease: StreamLease;
  readonly #subjects = new WeakMap<DeadLetterEntry, string>();
  #timer: Timer;

  constructor(options: HoldOptions, lease: StreamLease) {
    this.#options = options;
    this.#lease = lease;
    this.#timer = this.#heartbeatLater();
  }

  async *entries(): AsyncGenerator<DeadLetterEntry> {
    const { store, prefix } = this.#options;
    for await (const { entry, subject } of readDeadLetterStream(store, prefix)) {
      this.#subjects.set(entry, subject);
      yield entry;
    }
  }

  idOf(entry: DeadLetterEntry): string {
    return deadLetterIdOf(this.#subjects.get(entry)!);
  }

  assertHeld(): void {
    this.#lease.assertHeld();
  }

  async remove(entries: readonly DeadLetterEntry[]): Promise<void> {
    for (const { position } of entries) {
      this.assertHeld();
      await this.#options.store.remove(position);
    }
  }

  /**
   * Replaces entries. Without room for them, they keep their earlier reason: a full stream would
   * take a longer message for the same subject, and drop the oldest of others.
   */
  async replace(replacements: readonly (readonly [DeadLetterEntry, string])[]): Promise<void> {
    if (replacements.length === 0) return;
    const { store, prefix } = this.#options;
    const { bytes, maxBytes } = await store.state(prefix);
    let room = maxBytes > 0 ? maxBytes - bytes : Infinity;
    for (const [entry, text] of replacements) {
      const payload = encoder.encode(text);
      room -= payload.length;
      if (room < 0) return;
      this.assertHeld();
      await store.replace(entry.position, this.#subjects.get(entry)!, payload);
    }
  }

  /** Entries that were neither removed nor replaced have never left the stream. */
  rollback(): Promise<void> {
    return Promise.resolve();
  }

  async release(): Promise<void> {
    this.#timer.cancel();
    await this.#lease.release();
  }

  #heartbeatLater(): Timer {
    const { clock, leases } = this.#options;
    return clock.after(heartbeatMs(leases), () => {
      void this.#lease.heartbeat();
      this.#timer = this.#heartbeatLater();
    });
  }
}

const encoder = new TextEncoder();
