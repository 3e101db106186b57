/**
 * Compares what a consumer delivers with what the leader of the stream has.
 * A consumer with one replica reads the copy of its node. If that node was killed and catches up
 * with the others, or cannot read a message at that moment, the consumer may silently skip messages:
 * it numbers what it delivers, not what it should deliver. A skipped message is in a gap between two
 * positions, or after the last one. Most gaps are normal: their messages are in other partitions or
 * were removed. So the leader is asked for the first message after each gap begins. The leader has a
 * prefix of the stream: if it has the message that ends the gap, it has those in the gap.
 * @module
 */

import type { JetStreamManager } from "@nats-io/jetstream";
import type { EngineMessage } from "../engine.ts";
import { firstMessage, firstPosition, stateOf } from "./stream_requests.ts";

/** Maximum number of requests at a time. */
const AT_ONCE = 100;
/** Maximum number of messages that are read from the leader one by one. */
const MAX_READ = 100;

/** Asks the leader of a stream about the messages that match one filter. */
export class LeaderCheck {
  readonly #manager: JetStreamManager;
  readonly #stream: string;
  readonly #filter: string;

  constructor(manager: JetStreamManager, stream: string, filter: string) {
    this.#manager = manager;
    this.#stream = stream;
    this.#filter = filter;
  }

  /**
   * Returns the number of messages up to the first one before which a message may be missing.
   * If a request fails, one may be missing.
   * @param from Position after the last message before these.
   */
  async confirmed(from: number, messages: readonly EngineMessage[]): Promise<number> {
    for (let start = 0; start < messages.length; start += AT_ONCE) {
      const part = messages.slice(start, start + AT_ONCE);
      const whole = await Promise.all(part.map(({ seq }, offset) => {
        const index = start + offset;
        const expected = index === 0 ? from : messages[index - 1].seq + 1;
        return seq === expected || this.#isGap(expected, seq).catch(() => false);
      }));
      const missing = whole.indexOf(false);
      if (missing >= 0) return start + missing;
    }
    return messages.length;
  }

  /** Returns whether there is a message at or after `from`. @throws {EngineError} `away`. */
  async hasMore(from: number): Promise<boolean> {
    return await this.#firstPosition(from) !== null;
  }

  /**
   * Reads messages of the leader one by one: at most `maxBytes`, or a single larger message if
   * `isFirst`. If a request fails, returns those before.
   * @throws {EngineError} `away` if there are none.
   */
  async read(from: number, maxBytes: number, isFirst: boolean): Promise<EngineMessage[]> {
    const found: EngineMessage[] = [];
    let left = maxBytes;
    let next = from;
    try {
      while (found.length < MAX_READ) {
        const message = await firstMessage(this.#manager, this.#stream, this.#filter, next);
        if (message === null) break;
        left -= message.payload.length;
        if (left < 0 && !(isFirst && found.length === 0)) break;
        found.push(message);
        next = message.seq + 1;
      }
    } catch (error) {
      if (found.length === 0) throw error;
    }
    return found;
  }

  /** Returns whether the leader has no message at or after `from` and before `to`. */
  async #isGap(from: number, to: number): Promise<boolean> {
    const first = await this.#firstPosition(from);
    if (first !== null) return first >= to;
    // Either the message at `to` was removed meanwhile, or this leader has yet to take it.
    const { lastSeq } = await stateOf(this.#manager, this.#stream, this.#filter);
    return lastSeq >= to;
  }

  #firstPosition(from: number): Promise<number | null> {
    return firstPosition(this.#manager, this.#stream, this.#filter, from);
  }
}
