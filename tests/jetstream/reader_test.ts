/**
 * A reader whose server dies or freezes in the middle of a response.
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

/**
 * A connection to a server with a stream of `last` messages that sends one of `answers`
 * per request.
 */
function readerOf(answers: readonly Answer[], last: number, clock: Clock = detectRuntime().clock) {
  const begun: number[] = [];
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
  };
  const modules = {
    jetstream: { AckPolicy: {}, DeliverPolicy: {} },
    transport: { createInbox: () => "inbox" },
  };
  const options = { connection, manager, clock, modules, stream: "S", filter: "a", from: 1 };
  return { reader: new NatsReader(options as unknown as NatsReaderOptions), begun };
}

const positions = (messages: readonly { readonly seq: number }[]) => messages.map(({ seq }) => seq);

test("reader: what came before the engine failed is returned, and the rest is read afterwards", async () => {
  const { reader, begun } = readerOf([[1, 2, "failure"], [3, 4]], 4);
  assert.deepEqual(positions(await reader.next(1e6)), [1, 2]);
  assert.deepEqual(positions(await reader.next(1e6)), [3, 4]);
  assert.deepEqual(begun, [1, 3]);
  await reader.close();
});

test("reader: a failure in front of all messages is reported, and nothing is left out", async () => {
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
