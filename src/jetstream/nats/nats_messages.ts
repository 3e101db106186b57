/**
 * Accesses a NATS JetStream stream from outside the log.
 * @module
 */

import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../../runtime/runtime.ts";
import type { EngineMessage } from "../engine.ts";
import type { MessageStore, StoreRange, StoreState } from "../message_store.ts";
import { asEngineError, ask, errorParts } from "./errors.ts";
import type { NatsModules } from "./modules.ts";
import { NatsReader } from "./reader.ts";

/** Maximum bytes per read. */
const READ_BYTES = 1024 * 1024;
/** Time limit for the acknowledgement of a message, in ms. */
const PUBLISH_MS = 5_000;
/** Codes of "stream not found", "no message found" and "sequence not found". */
const NO_STREAM = 10059;
const NO_MESSAGE = [10037, 10043];

const EMPTY: StoreState = {
  messages: 0,
  bytes: 0,
  maxBytes: -1,
  lastSeq: 0,
  subjects: new Map(),
};

/** Options for {@linkcode NatsMessages}. */
export interface NatsMessagesOptions {
  readonly modules: NatsModules;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly clock: Clock;
  /** Name of the stream; a nonexistent stream is treated as empty. */
  readonly name: string;
}

/** Messages of a stream. */
export class NatsMessages implements MessageStore {
  readonly name: string;
  readonly #options: NatsMessagesOptions;

  /** Creates a store; the first use contacts the engine. */
  constructor(options: NatsMessagesOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async state(filter: string): Promise<StoreState> {
    try {
      const { manager, name } = this.#options;
      const { state, config } = await manager.streams.info(name, { subjects_filter: filter });
      return {
        messages: state.messages,
        bytes: state.bytes,
        maxBytes: config.max_bytes,
        lastSeq: state.last_seq,
        subjects: new Map(Object.entries(state.subjects ?? {})),
      };
    } catch (error) {
      if (errorParts(error).code === NO_STREAM) return EMPTY;
      throw asEngineError(error);
    }
  }

  async *read(filter: string, { from = 1, to }: StoreRange = {}): AsyncGenerator<EngineMessage> {
    const end = to ?? (await this.state(filter)).lastSeq + 1;
    if (from >= end) return;
    const reader = new NatsReader({ ...this.#options, stream: this.name, filter, from });
    try {
      while (await reader.hasMore()) {
        for (const message of await reader.next(READ_BYTES)) {
          if (message.seq >= end) return;
          yield message;
          if (message.seq === end - 1) return;
        }
      }
    } finally {
      await reader.close();
    }
  }

  async first(filter: string, from: number): Promise<EngineMessage | null> {
    try {
      const { manager, name } = this.#options;
      const query = { seq: from, next_by_subj: filter };
      const found = await manager.streams.getMessage(name, query);
      if (found === null) return null;
      const { subject, seq, time, data } = found;
      return { subject, seq, time: time.getTime(), payload: data };
    } catch (error) {
      const { code } = errorParts(error);
      if (code === NO_STREAM || NO_MESSAGE.includes(code ?? 0)) return null;
      throw asEngineError(error);
    }
  }

  async replace(seq: number, subject: string, payload: Uint8Array): Promise<void> {
    const expect = { lastSubjectSequence: seq };
    const client = this.#options.manager.jetstream();
    await ask(() => client.publish(subject, payload, { expect, timeout: PUBLISH_MS }));
  }

  async remove(seq: number): Promise<void> {
    try {
      await this.#options.manager.streams.deleteMessage(this.name, seq, false);
    } catch (error) {
      if (!NO_MESSAGE.includes(errorParts(error).code ?? 0)) throw asEngineError(error);
    }
  }
}
