/**
 * Counts what is pending in a stream, by partition and project; reads a message once.
 *
 * @module
 */

import type { EngineMessage, StreamState } from "../../jetstream/engine.ts";
import type { LogStores } from "../../jetstream/message_store.ts";
import { partitionFilter, projectOfSubject } from "../../jetstream/subjects.ts";

/** Bytes of the oldest pending messages that are counted; the rest is an estimate. */
const MAX_COUNTED_BYTES = 16 * 1024 * 1024;

/** The pending records of a project in one partition. */
export interface PendingPart {
  readonly partition: number;
  readonly entity: string;
  readonly project: string;
  readonly records: number;
  readonly bytes: number;
  /** Whether the numbers are estimates: a part of the messages was read. */
  readonly isEstimate: boolean;
  /** When the engine took the oldest message, epoch ms. */
  readonly oldest: number | null;
}

interface Counted {
  readonly seq: number;
  readonly time: number;
  readonly bytes: number;
  readonly records: number;
}

/** Counts, and remembers. */
export class StreamPending {
  readonly #stores: LogStores;
  /** Messages by subject, oldest first. */
  readonly #counted = new Map<string, Counted[]>();
  /** Position of the last message that was counted. */
  #last = 0;

  /** @param stores The log, open. */
  constructor(stores: LogStores) {
    this.#stores = stores;
  }

  /** Counts what is pending now. @throws {EngineError} `away`. */
  async count(): Promise<{ readonly parts: readonly PendingPart[]; readonly state: StreamState }> {
    const { records, prefix, partitions } = this.#stores;
    const state = await records.state(`${prefix}.>`);
    // Whatever a partition holds below its first message was delivered.
    const heads = await Promise.all(
      Array.from({ length: partitions }, (_, i) => records.first(partitionFilter(prefix, i), 1)),
    );
    const begins = heads.map((head) => head?.seq ?? Infinity);
    this.#forget(begins);
    const isWhole = await this.#read(Math.min(...begins), state.lastSeq);
    const parts: PendingPart[] = [];
    for (const [subject, messages] of state.subjects) {
      if (begins[this.#partitionOf(subject)] === Infinity) continue;
      const part = await this.#part(subject, isWhole ? null : messages, state);
      if (part !== null) parts.push(part);
    }
    return { parts: parts.sort(byPlace), state };
  }

  #partitionOf(subject: string): number {
    return Number(subject.slice(this.#stores.prefix.length + 1).split(".")[0]);
  }

  #forget(begins: readonly number[]): void {
    for (const [subject, counted] of this.#counted) {
      const begin = begins[this.#partitionOf(subject)];
      const left = counted.filter(({ seq }) => seq >= begin);
      if (left.length === 0) this.#counted.delete(subject);
      else this.#counted.set(subject, left);
    }
  }

  /** Counts messages up to a position; returns whether all of them are counted. */
  async #read(begin: number, lastSeq: number): Promise<boolean> {
    const { records, prefix } = this.#stores;
    let bytes = 0;
    for (const counted of this.#counted.values()) {
      for (const message of counted) bytes += message.bytes;
    }
    const from = Math.max(this.#last + 1, begin);
    if (from > lastSeq) return true;
    const range = { from, to: lastSeq + 1 };
    for await (const message of records.read(`${prefix}.>`, range)) {
      if (bytes > MAX_COUNTED_BYTES) return false;
      bytes += message.payload.length;
      this.#add(message);
    }
    this.#last = lastSeq;
    return true;
  }

  #add({ subject, seq, time, payload }: EngineMessage): void {
    const message = { seq, time, bytes: payload.length, records: linesOf(payload) };
    const counted = this.#counted.get(subject);
    if (counted) counted.push(message);
    else this.#counted.set(subject, [message]);
    this.#last = seq;
  }

  /** @param messages Number of messages of the subject; `null` if all of them are counted. */
  async #part(
    subject: string,
    messages: number | null,
    state: StreamState,
  ): Promise<PendingPart | null> {
    const counted = this.#counted.get(subject) ?? [];
    const left = messages === null ? 0 : Math.max(0, messages - counted.length);
    if (counted.length + left === 0) return null;
    const records = sum(counted.map((message) => message.records));
    const bytes = sum(counted.map((message) => message.bytes));
    const each = counted.length === 0 ? 1 : records / counted.length;
    const size = counted.length === 0
      ? state.bytes / Math.max(1, state.messages)
      : bytes / counted.length;
    const oldest = counted[0]?.time ??
      (await this.#stores.records.first(subject, 1))?.time ?? null;
    const [entity, project = ""] = projectOfSubject(subject).split("/");
    return {
      partition: this.#partitionOf(subject),
      entity,
      project,
      records: records + Math.round(left * each),
      bytes: bytes + Math.round(left * size),
      isEstimate: left > 0,
      oldest,
    };
  }
}

function linesOf(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function byPlace(a: PendingPart, b: PendingPart): number {
  const [left, right] = [a, b].map(({ entity, project }) => `${entity}/${project}`);
  return left === right ? a.partition - b.partition : left < right ? -1 : 1;
}
