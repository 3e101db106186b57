/**
 * Acknowledgements of published messages.
 *
 * @module
 */

import assert from "node:assert/strict";
import { NatsEngine, type NatsEngineOptions } from "../../src/jetstream/nats/nats_engine.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { test } from "../harness.ts";

/** Reports no change of the connection. */
const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };

/** Opens an engine whose servers give these answers to published messages, in order. */
function engineOf(answers: readonly { readonly seq: number; readonly duplicate: boolean }[]) {
  let next = 0;
  const client = { publish: () => Promise.resolve(answers[next++]) };
  const bucket = { status: () => Promise.resolve({ ttl: 1_000 }) };
  class Kvm {
    open() {
      return Promise.resolve(bucket);
    }
  }
  const options = {
    modules: { kv: { Kvm } },
    connection: { status: () => silent },
    manager: { jetstream: () => client },
    clock: detectRuntime().clock,
    facts: { name: "S", prefix: "p" },
  };
  return NatsEngine.open(options as unknown as NatsEngineOptions);
}

test("publish: an answer without a position is not an acknowledgement", async () => {
  const engine = await engineOf([{ seq: 0, duplicate: true }, { seq: 7, duplicate: true }]);
  const payload = new Uint8Array(1);
  await assert.rejects(engine.publish("p.0.a.b", payload, "id"), { failure: "away" });
  assert.equal(await engine.publish("p.0.a.b", payload, "id"), 7);
});
