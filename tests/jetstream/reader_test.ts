/**
 * A reader whose server dies or freezes in the middle of a response, or whose consumer skips
 * messages.
 *
 * @module
 */

import assert from "node:assert/strict";
import { NatsReader, type NatsReaderOptions } from "../../src/jetstream/nats/reader.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import type { Clock } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { MemoryClock } from "../support/simulated_runtime/memory_clock.ts";

/**
 * The server's messages for one request: positions in the stream, possibly followed by a
 * failure.
 */
type Answer = readonly (number | "failure" | "lost" | "expired")[];

/** Contents of the leader; by default, all messages. */
interface Leader {
  /** Positions of its messages. */
  readonly has: readonly number[];
  readonly lastSeq: number;
}

/**
 * A connection to a server with a stream of `last` messages that sends one of `answers`
 * per request.
 */
function readerOf(
  answers: readonly Answer[],
  last: number,
  clock: Clock = detectRuntime().clock,
  leader: Leader = { has: Array.from({ length: last }, (_, i) => i + 1), lastSeq: last },
) {
  const begun: number[] = [];
  /** Positions from which on the leader was asked for a message. */
  const asked: number[] = [];
  let next = 0;
  let delivered = 0;
  const connection = {
    info: { max_payload: 1024 },
    isClosed: () => false,
    publish: () => {},
    subscribe: () => ({
      unsubscribe: () => {},
      async *[Symbol.asyncIterator]() {
        for (const one of answers[next++] ?? []) {
          if (one === "lost") delivered++;
          else if (one === "failure" || one === "expired") {
            const code = one === "failure" ? 409 : 408;
            yield { data: new Uint8Array(), headers: { code, description: "Leadership Change" } };
          } else {
            const reply = `$JS.ACK.S.C.1.${one}.${++delivered}.0.${last - one}`;
            yield { data: new Uint8Array(1), subject: "a", reply };
          }
        }
      },
    }),
  };
  const manager = {
    consumers: {
      add: (_: string, { opt_start_seq: from }: { opt_start_seq: number }) => {
        begun.push(from);
        delivered = 0;
        return Promise.resolve({ name: "C", num_pending: last - from + 1 });
      },
      info: () => Promise.resolve({ delivered: { consumer_seq: delivered } }),
      delete: () => Promise.resolve(true),
    },
    streams: {
      getMessage: (_: string, { seq: from }: { seq: number }) => {
        asked.push(from);
        const seq = leader.has.find((one) => one >= from);
        if (seq === undefined) return Promise.reject({ code: 10037, message: "no message found" });
        return Promise.resolve({ subject: "a", seq, time: new Date(0), data: new Uint8Array(1) });
      },
      info: () => Promise.resolve({ state: { last_seq: leader.lastSeq }, config: {} }),
    },
  };
  const modules = {
    jetstream: { AckPolicy: {}, DeliverPolicy: {} },
    transport: { createInbox: () => "inbox" },
  };
  const options = { connection, manager, clock, modules, stream: "S", filter: "a", from: 1 };
  return { reader: new NatsReader(options as unknown as NatsReaderOptions), begun, asked };
}

const positions = (messages: readonly { readonly seq: number }[]) => messages.map(({ seq }) => seq);

test("reader: what came before the engine failed is returned, and the rest is read afterwards", async () => {
  const { reader, begun } = readerOf([[1, 2, "failure"], [3, 4]], 4);
  assert.deepEqual(positions(await reader.next(1e6)), [1, 2]);
  assert.deepEqual(positions(await reader.next(1e6)), [3, 4]);
  assert.deepEqual(begun, [1, 3]);
  await reader.close();
});

test("reader: a failure before all messages is reported, and no message is skipped", async () => {
  const { reader, begun } = readerOf([["failure"], [1, 2]], 2);
  await assert.rejects(reader.next(1e6), { name: "EngineError", failure: "away" });
  assert.deepEqual(positions(await reader.next(1e6)), [1, 2]);
  assert.deepEqual(begun, [1, 1]);
  await reader.close();
});

test("reader: a message that was lost on its way is read again, though no other one comes", async () => {
  const { reader, begun } = readerOf([[1, "lost", "expired"], [2]], 2);
  assert.deepEqual(positions(await reader.next(1e6)), [1]);
  assert.deepEqual(positions(await reader.next(1e6)), [2]);
  assert.deepEqual(begun, [1, 2]);
  await reader.close();
});

test("reader: after a pause in which the engine may remove a consumer, it has a new one", async () => {
  const clock = new MemoryClock();
  const { reader, begun } = readerOf([[1], [2], [3], [4]], 4, clock);
  for (const [position, pause] of [[1, 10_000], [2, 60_000], [3, 10_000], [4, 0]]) {
    assert.deepEqual(positions(await reader.next(1)), [position]);
    clock.advance(pause);
  }
  assert.deepEqual(begun, [1, 3]);
  await reader.close();
});

test("reader: messages that the consumer skipped are returned before those after them", async () => {
  const { reader, begun } = readerOf([[1, 2], [5, 6], [6, 7]], 7);
  assert.deepEqual(positions(await reader.next(1e6)), [1, 2]);
  assert.deepEqual(positions(await reader.next(3)), [3, 4, 5]);
  assert.deepEqual(positions(await reader.next(1e6)), [6, 7]);
  assert.deepEqual(begun, [1, 6]);
  await reader.close();
});

/** The position that each pull skips, and what the pulls return. */
const SKIPPED: Readonly<Record<string, readonly Answer[]>> = {
  "the second of a pull": [[1, 3], [4, 5, 6]],
  "some in the middle of a pull": [[1, 2, 5, 6]],
  "two in different places of a pull": [[1, 3, 4, 6], [4, 6]],
  "the first of all": [[2, 3, 4, 5, 6]],
  "all but the last": [[6]],
  "one in the first pull, and one in the next": [[1, 2, 4], [5, 6]],
};

for (const [what, answers] of Object.entries(SKIPPED)) {
  test(`reader: a consumer skips ${what}: it is returned in its place`, async () => {
    const { reader } = readerOf(answers, 6);
    const read: number[] = [];
    while (await reader.hasMore()) read.push(...positions(await reader.next(1e6)));
    assert.deepEqual(read, [1, 2, 3, 4, 5, 6]);
    await reader.close();
  });
}

test("reader: messages that the consumer skipped are read even if no others arrive", async () => {
  const { reader, begun } = readerOf([[1], ["expired"], [4]], 4);
  assert.deepEqual(positions(await reader.next(1)), [1]);
  assert.deepEqual(positions(await reader.next(2)), [2, 3]);
  assert.deepEqual(positions(await reader.next(1)), [4]);
  assert.deepEqual(begun, [1, 4]);
  await reader.close();
});

test("reader: the leader is asked once about each gap, and the consumer is kept", async () => {
  const leader = { has: [1, 2, 6, 7, 9], lastSeq: 9 };
  const { reader, begun, asked } = readerOf([[1, 2], [6, 7, 9]], 9, undefined, leader);
  assert.deepEqual(positions(await reader.next(1e6)), [1, 2]);
  assert.deepEqual(positions(await reader.next(1e6)), [6, 7, 9]);
  assert.deepEqual(asked, [3, 8]);
  assert.deepEqual(begun, [1]);
  await reader.close();
});

test("reader: a message that was removed while it was read is not missing", async () => {
  const leader = { has: [1], lastSeq: 3 };
  const { reader } = readerOf([[1], [3]], 3, undefined, leader);
  assert.deepEqual(positions(await reader.next(1e6)), [1]);
  assert.deepEqual(positions(await reader.next(1e6)), [3]);
  await reader.close();
});

test("reader: what the leader has yet to take is read later", async () => {
  const leader = { has: [1], lastSeq: 1 };
  const { reader, begun } = readerOf([[1], [3], [3]], 3, undefined, leader);
  assert.deepEqual(positions(await reader.next(1e6)), [1]);
  await assert.rejects(reader.next(1e6), { name: "EngineError", failure: "away" });
  leader.has.push(2, 3);
  assert.deepEqual(positions(await reader.next(1e6)), [2, 3]);
  assert.deepEqual(begun, [1, 2]);
  await reader.close();
});
