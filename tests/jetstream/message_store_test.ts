import assert from "node:assert/strict";
import { parseLogAddress } from "../../src/jetstream/nats/connect.ts";
import { openStores } from "../../src/jetstream/nats/open_stores.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { test } from "../harness.ts";
import { openTestEngine } from "../support/jetstream/engine_fixture.ts";
import { startNats, withoutNats } from "../support/jetstream/nats_server.ts";

const options = { skip: withoutNats };

async function openStore(count: number) {
  const server = await startNats();
  const engine = await openTestEngine(server.address);
  for (let i = 0; i < count; i++) {
    await engine.publish(`weave-wal-dead.0.1.${i}.acme.chat`, new Uint8Array(10), `${i}`);
  }
  const address = parseLogAddress(`nats://${server.address}/TEST`);
  const stores = await openStores(detectRuntime(), address);
  return {
    store: stores.deadLetters,
    async [Symbol.asyncDispose]() {
      await stores.close();
      await engine.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("message store: the removal of a message that does not exist has no effect", async () => {
  await using opened = await openStore(3);
  const { store } = opened;
  for (const position of [2, 2, 1, 1, 99, 3, 3]) await store.remove(position);
  assert.equal((await store.state(">")).messages, 0);
}, options);
