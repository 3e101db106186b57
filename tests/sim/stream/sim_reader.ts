/**
 * The real reader on simulated consumers, which deliver messages twice, out of order or
 * not at all, and skip messages if their node lags.
 *
 * @module
 */

import type { MessageReader } from "../../../src/jetstream/engine.ts";
import { NatsReader, type NatsReaderOptions } from "../../../src/jetstream/nats/reader.ts";
import { matches, type SimConnection } from "./sim_stream.ts";

/** A message as the client passes it to a subscription. */
interface Incoming {
  readonly subject?: string;
  readonly data: Uint8Array;
  readonly reply?: string;
  readonly headers?: { readonly code: number; readonly description: string };
}

/** State of a consumer at its node. */
interface Consumer {
  next: number;
  delivered: number;
}

/** A pull request: the messages delivered for it so far, and its waiting reader. */
class Pull {
  readonly #queue: Incoming[] = [];
  #wake: (() => void) | null = null;
  #ended = false;

  give(message: Incoming): void {
    this.#queue.push(message);
    this.#wake?.();
  }

  unsubscribe(): void {
    this.#ended = true;
    this.#wake?.();
  }

  get ended(): boolean {
    return this.#ended;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Incoming> {
    while (!this.#ended || this.#queue.length > 0) {
      const message = this.#queue.shift();
      if (message) yield message;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

/** Reads a stream with the real reader. */
export function readStream(
  connection: SimConnection,
  filter: string,
  from: number,
): MessageReader {
  const node = new ConsumerNode(connection, filter);
  const options = {
    connection: node,
    clock: connection.stream.clock,
    manager: {
      consumers: {
        add: node.add.bind(node),
        info: node.delivered.bind(node),
        delete: node.delete.bind(node),
      },
      streams: {
        getMessage: node.first.bind(node),
        info: node.last.bind(node),
      },
    },
    modules: {
      jetstream: { AckPolicy: {}, DeliverPolicy: {} },
      transport: { createInbox: () => "inbox" },
    },
    stream: "S",
    filter,
    from,
  };
  return new NatsReader(options as unknown as NatsReaderOptions);
}

/**
 * The node of one reader's consumers: the members of a connection and a manager that the
 * reader uses.
 */
class ConsumerNode {
  readonly info: { readonly max_payload: number };
  readonly #connection: SimConnection;
  readonly #filter: string;
  #consumer: Consumer | null = null;
  #pull: Pull | null = null;

  constructor(connection: SimConnection, filter: string) {
    this.#connection = connection;
    this.#filter = filter;
    this.info = { max_payload: connection.maxPayload };
  }

  isClosed(): boolean {
    return this.#connection.isDead;
  }

  async add(
    _: string,
    { opt_start_seq: next }: { opt_start_seq: number },
  ): Promise<{ name: string; num_pending: number }> {
    // Requires a leader, like every other request.
    await this.#connection.first(this.#filter, next);
    this.#consumer = { next, delivered: 0 };
    return { name: "C", num_pending: this.#pending(next) };
  }

  async delivered(): Promise<{ delivered: { consumer_seq: number } }> {
    await this.#connection.first(this.#filter, 1);
    if (this.#consumer === null) throw new Error("consumer not found");
    return { delivered: { consumer_seq: this.#consumer.delivered } };
  }

  /** The leader's response to a request for the next message of a filter. */
  async first(
    _: string,
    { seq, next_by_subj: filter }: { seq: number; next_by_subj: string },
  ): Promise<object | null> {
    const found = await this.#connection.first(filter, seq);
    return found && { ...found, time: new Date(found.time), data: found.payload };
  }

  /** The leader's response to a request for the state of the stream. */
  async last(): Promise<object> {
    const { messages, bytes, maxBytes, lastSeq } = await this.#connection.state();
    return { state: { messages, bytes, last_seq: lastSeq }, config: { max_bytes: maxBytes } };
  }

  delete(): Promise<boolean> {
    this.#connection.closedConsumers++;
    this.#consumer = null;
    return Promise.resolve(true);
  }

  subscribe(): Pull {
    return this.#pull = new Pull();
  }

  publish(_: string, text: string): void {
    const { batch, expires, max_bytes: most } = JSON.parse(text) as Record<string, number>;
    const { clock, random } = this.#connection.stream;
    const pull = this.#pull!;
    clock.after(random.int(1, 20), () => this.#serve(pull, batch, most, expires / 1e6));
  }

  /** Delivers the available messages, and waits for the rest until the request expires. */
  #serve(pull: Pull, count: number, most: number, ms: number): void {
    const { stream } = this.#connection;
    const { clock, random } = stream;
    const consumer = this.#consumer;
    let left = count, bytes = 0;
    const end = (code: number, description: string): void => {
      forget();
      timer.cancel();
      pull.give({ data: new Uint8Array(), headers: { code, description } });
    };
    const timer = clock.after(ms, () => end(408, "Request Timeout"));
    const look = (): void => {
      if (pull.ended || this.#connection.isDead) {
        forget();
        timer.cancel();
        if (this.#connection.isDead) pull.unsubscribe();
        return;
      }
      if (!stream.hasLeader || consumer !== this.#consumer || consumer === null) {
        return end(409, "Leadership Change");
      }
      while (left > 0) {
        const found = this.#messages(consumer.next)[0];
        if (found === undefined) return;
        if (random.chance(stream.faults.skips)) {
          consumer.next = found.seq + 1;
          continue;
        }
        bytes += found.payload.length;
        if (bytes > most) return end(409, "Message Size Exceeds MaxBytes");
        consumer.next = found.seq + 1;
        this.#give(pull, consumer, found);
        left--;
      }
      forget();
      timer.cancel();
    };
    const forget = stream.changed(look);
    look();
  }

  #give(pull: Pull, consumer: Consumer, { subject, payload, seq }: Found): void {
    const { random, faults } = this.#connection.stream;
    const delivered = ++consumer.delivered;
    const reply = `$JS.ACK.S.C.1.${seq}.${delivered}.0.${this.#pending(seq + 1)}`;
    const message = { subject, data: payload, reply };
    if (!random.chance(faults.badReads)) return pull.give(message);
    const [other] = this.#messages(consumer.next);
    switch (random.pick(["twice", "swapped", "lost"])) {
      case "twice":
        pull.give(message);
        return pull.give(message);
      case "swapped":
        if (other === undefined) return pull.give(message);
        consumer.next = other.seq + 1;
        this.#giveNext(pull, consumer, other);
        return pull.give(message);
    }
  }

  #giveNext(pull: Pull, consumer: Consumer, { subject, payload, seq }: Found): void {
    const reply = `$JS.ACK.S.C.1.${seq}.${++consumer.delivered}.0.${this.#pending(seq + 1)}`;
    pull.give({ subject, data: payload, reply });
  }

  #messages(from: number): readonly Found[] {
    return this.#connection.stream.messages.filter(({ seq, subject }) =>
      seq >= from && matches(this.#filter, subject)
    );
  }

  #pending(from: number): number {
    return this.#messages(from).length;
  }
}

interface Found {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly seq: number;
}
