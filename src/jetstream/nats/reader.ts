/**
 * Reads a partition in order, with a consumer that is recreated after any irregularity.
 * The consumer has no state worth keeping: delivered messages are removed from the stream, and the
 * reader knows the last position that it returned. Before a message is returned, the leader of the
 * stream is asked whether the consumer skipped any before it: see `leader_check.ts`.
 * @module
 */

import type { JetStreamManager } from "@nats-io/jetstream";
import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Clock } from "../../runtime/runtime.ts";
import { EngineError, type EngineMessage, type MessageReader } from "../engine.ts";
import { asEngineError } from "./errors.ts";
import { LeaderCheck } from "./leader_check.ts";
import type { NatsModules } from "./modules.ts";

/** Ms that a request for messages waits in the engine. */
const WAIT_MS = 3_000;
/** Ms without a response after which a request counts as lost. */
const SILENT_MS = WAIT_MS + 2_000;
/** Ms without a request after which the engine removes a consumer. */
const UNUSED_MS = 60_000;
/** Ms without a request after which the reader replaces its consumer. */
const REPLACED_MS = UNUSED_MS / 2;
/** Maximum size of a message's subject and headers, in bytes. */
const ENVELOPE_BYTES = 4096;
/** Maximum number of messages per request. */
const MAX_MESSAGES = 1_000;

/** Options for {@linkcode NatsReader}. */
export interface NatsReaderOptions {
  readonly modules: NatsModules;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly clock: Clock;
  readonly stream: string;
  readonly filter: string;
  /** Starting position. */
  readonly from: number;
}

/** State of a consumer. */
interface OpenConsumer {
  readonly name: string;
  /** Number of messages that it has delivered. */
  delivered: number;
  /** Number of messages known to follow the last one. */
  pending: number;
}

/** Reads messages that match one filter. */
export class NatsReader implements MessageReader {
  readonly #options: NatsReaderOptions;
  readonly #leader: LeaderCheck;
  #next: number;
  #consumer: OpenConsumer | null = null;
  /** Time of the last use of the consumer, on the monotonic clock. */
  #usedAt = 0;
  #pull: Subscription | null = null;
  #closed = false;

  /** Creates a reader; the first `next()` contacts the engine. */
  constructor(options: NatsReaderOptions) {
    const { manager, stream, filter, from } = options;
    this.#options = options;
    this.#leader = new LeaderCheck(manager, stream, filter);
    this.#next = from;
  }

  async next(maxBytes: number): Promise<readonly EngineMessage[]> {
    if (this.#closed) return [];
    const from = this.#next;
    const found: EngineMessage[] = [];
    try {
      await this.#deliver(maxBytes, found);
    } catch (error) {
      await this.#forget();
      if (this.#closed) return [];
      // What came before the failure is read, and is not asked for again.
      if (found.length === 0) throw asEngineError(error);
    }
    return this.#closed ? [] : await this.#confirm(from, found, maxBytes);
  }

  /** Adds messages to `found`. */
  async #deliver(maxBytes: number, found: EngineMessage[]): Promise<void> {
    const consumer = await this.#open();
    // Request only as many as exist, so that no message is delivered to a request that has ended.
    if (consumer.pending === 0) await this.#request(consumer, 1, maxBytes, found);
    const count = Math.min(consumer.pending, MAX_MESSAGES);
    const read = bytesOf(found);
    if (count > 0 && read < maxBytes) {
      await this.#request(consumer, count, maxBytes - read, found);
    }
  }

  /**
   * Returns the messages up to the first gap in which the leader has others, and then those.
   * The next consumer continues after them, perhaps on another node.
   */
  async #confirm(
    from: number,
    found: readonly EngineMessage[],
    maxBytes: number,
  ): Promise<readonly EngineMessage[]> {
    const count = await this.#leader.confirmed(from, found);
    if (count > 0 && count === found.length) return found;
    const whole = found.slice(0, count);
    this.#next = positionAfter(whole, from);
    if (found.length > 0) await this.#forget();
    try {
      const left = maxBytes - bytesOf(whole);
      whole.push(...await this.#leader.read(this.#next, left, count === 0));
    } catch (error) {
      if (this.#closed) return [];
      if (count === 0) throw asEngineError(error);
    }
    if (whole.length === 0 && found.length > 0) throw lost();
    if (whole.length > count) await this.#forget();
    this.#next = positionAfter(whole, from);
    return whole;
  }

  /**
   * Returns whether there is a message after the last returned one. @throws {EngineError}
   * `away`.
   */
  async hasMore(): Promise<boolean> {
    if (this.#closed) return false;
    try {
      const { pending } = await this.#open();
      return pending > 0 || await this.#leader.hasMore(this.#next);
    } catch (error) {
      throw asEngineError(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#pull?.unsubscribe();
    await this.#forget();
  }

  /**
   * Returns the consumer; a new one after a long pause. The engine does not respond to requests for
   * one that it has removed.
   */
  async #open(): Promise<OpenConsumer> {
    const now = this.#options.clock.monotonic();
    if (this.#consumer !== null && now - this.#usedAt > REPLACED_MS) await this.#forget();
    this.#usedAt = now;
    return this.#consumer ??= await this.#create();
  }

  async #create(): Promise<OpenConsumer> {
    const { manager, modules, stream, filter } = this.#options;
    const { AckPolicy, DeliverPolicy } = modules.jetstream;
    const { name, num_pending: pending } = await manager.consumers.add(stream, {
      filter_subject: filter,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(1, this.#next),
      ack_policy: AckPolicy.None,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: UNUSED_MS * 1e6,
    });
    return { name, delivered: 0, pending };
  }

  async #forget(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = null;
    const { manager, stream, connection } = this.#options;
    if (consumer === null || connection.isClosed()) return;
    // If this fails, the engine removes the consumer later.
    await manager.consumers.delete(stream, consumer.name).catch(() => {});
  }

  /**
   * Adds up to `count` messages to `found`; fewer if no more arrive in time or fit into `maxBytes`.
   */
  async #request(
    consumer: OpenConsumer,
    count: number,
    maxBytes: number,
    found: EngineMessage[],
  ): Promise<void> {
    const { connection, clock, modules: { transport }, stream } = this.#options;
    const inbox = transport.createInbox();
    const pull = this.#pull = connection.subscribe(inbox);
    let isSilent = false;
    const timer = clock.after(SILENT_MS, () => {
      isSilent = true;
      pull.unsubscribe();
    });
    const largest = (connection.info?.max_payload ?? 0) + ENVELOPE_BYTES;
    const bytes = Math.max(maxBytes, largest);
    const request = { batch: count, max_bytes: bytes, expires: WAIT_MS * 1e6 };
    connection.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer.name}`,
      JSON.stringify(request),
      { reply: inbox },
    );
    let left = count;
    try {
      for await (const message of pull) {
        const end = endOf(message);
        if (end === "expired") await this.#assertComplete(consumer);
        if (end === "expired" || end === "full") break;
        if (end !== null) throw new EngineError("away", end);
        const read = this.#take(consumer, message);
        if (read !== null) found.push(read);
        if (--left === 0) break;
      }
    } finally {
      timer.cancel();
      this.#pull = null;
      pull.unsubscribe();
    }
    if (isSilent) throw new EngineError("away", "The engine does not respond");
  }

  /**
   * Asks whether all messages arrived that were delivered. One that was lost with a connection would
   * otherwise be missed only when the next one comes.
   */
  async #assertComplete({ name, delivered }: OpenConsumer): Promise<void> {
    const { manager, stream } = this.#options;
    const info = await manager.consumers.info(stream, name);
    if (info.delivered.consumer_seq !== delivered) throw lost();
  }

  #take(consumer: OpenConsumer, message: Msg): EngineMessage | null {
    const { seq, delivered, pending, time } = positionOf(message);
    if (delivered !== ++consumer.delivered) throw lost();
    consumer.pending = pending;
    if (seq < this.#next) return null;
    this.#next = seq + 1;
    return { subject: message.subject, seq, time, payload: message.data };
  }
}

function bytesOf(messages: readonly EngineMessage[]): number {
  return messages.reduce((sum, { payload }) => sum + payload.length, 0);
}

/** Returns the position after the last message; `from` if there is none. */
function positionAfter(messages: readonly EngineMessage[], from: number): number {
  const last = messages.at(-1);
  return last === undefined ? from : last.seq + 1;
}

function lost(): EngineError {
  return new EngineError("away", "Messages were lost on their way");
}

/**
 * Returns `null` for a message of the stream, otherwise the way in which it ends a request:
 * `expired`, `full` if the next message does not fit, or the reason of a failure.
 */
function endOf({ headers, data }: Msg): string | null {
  const code = data.length === 0 ? headers?.code ?? 0 : 0;
  if (code === 0) return null;
  const text = headers?.description ?? "";
  if (code === 404 || code === 408) return "expired";
  if (code === 409 && /bytes/i.test(text)) return "full";
  return `${code} ${text}`;
}

interface Position {
  readonly seq: number;
  readonly delivered: number;
  /** Number of matching messages after this one. */
  readonly pending: number;
  readonly time: number;
}

/**
 * `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<attempts>.<seq>.<delivered>.<ns>.<pending>[.…]`
 */
function positionOf({ reply = "" }: Msg): Position {
  const parts = reply.split(".");
  const at = parts.length >= 11 ? 7 : 5;
  const [seq, delivered, ns, pending] = parts.slice(at, at + 4).map(Number);
  return { seq, delivered, pending, time: Math.floor(ns / 1e6) };
}
