/**
 * Accesses a NATS JetStream stream from outside the log.
 * @module
 */

import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../../runtime/runtime.ts";
import type { EngineMessage, StreamState } from "../engine.ts";
import type { MessageStore, StoreRange } from "../message_store.ts";
import { ask, isNoStream } from "./errors.ts";
import type { NatsModules } from "./modules.ts";
import { NatsReader } from "./reader.ts";
import { firstMessage, removeMessage, stateOf } from "./stream_requests.ts";

/** Maximum bytes per read. */
const READ_BYTES = 1024 * 1024;
/** Time limit for the acknowledgement of a message, in ms. */
const PUBLISH_MS = 5_000;

const EMPTY: StreamState = {
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

  state(filter: string): Promise<StreamState> {
    const { manager, name } = this.#options;
    return orNone(stateOf(manager, name, filter), EMPTY);
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

  first(filter: string, from: number): Promise<EngineMessage | null> {
    const { manager, name } = this.#options;
    return orNone(firstMessage(manager, name, filter, from), null);
  }

  async replace(seq: number, subject: string, payload: Uint8Array): Promise<void> {
    const expect = { lastSubjectSequence: seq };
    const client = this.#options.manager.jetstream();
    await ask(() => client.publish(subject, payload, { expect, timeout: PUBLISH_MS }));
  }

  remove(seq: number): Promise<void> {
    return removeMessage(this.#options.manager, this.name, seq);
  }
}

async function orNone<T>(request: Promise<T>, none: T): Promise<T> {
  try {
    return await request;
  } catch (error) {
    if (isNoStream(error)) return none;
    throw error;
  }
}
