/**
 * Calls whose ends arrive at a different relay or log than their starts.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type MockServer, startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { endOf, post, PROJECT, startOf } from "../support/mock_server/mock_requests.ts";
import { startRelay, type TestRelay } from "../support/relay/relay_fixture.ts";

const ID = "01890a5d-ac96-774b-bcce-b302099a8057";

/** Sends one half of a call, as SDKs do that use the v1 calls API. */
async function half(relay: TestRelay, mode: "start" | "end"): Promise<number> {
  const part = mode === "start" ? startOf(ID, { trace_id: ID }) : endOf(ID);
  const { status } = await post(relay, "/call/upsert_batch", {
    batch: [{ mode, req: { [mode]: part } }],
  });
  return status;
}

/** Whether the server has the complete call. */
function isWhole({ store }: MockServer): boolean {
  const [call] = store.calls(PROJECT);
  return call !== undefined && call.started_at !== null && call.ended_at !== null;
}

test("relay: a call that began at another relay is ended", async () => {
  await using server = await startMockServer();
  await using first = await startRelay({ server: server.url });
  await using second = await startRelay({ server: server.url });
  assert.equal(await half(first, "start"), 200);
  assert.equal(await half(second, "end"), 200);
  await first.stop();
  await second.stop();
  assert.ok(isWhole(server), JSON.stringify(server.store.calls(PROJECT)));
});

test("relay: a call whose log was closed in the meantime is ended", async () => {
  await using server = await startMockServer();
  const lookUps = server.faults.add({ path: "/call/read", status: 500 });
  await using relay = await startRelay({ server: server.url, recovers: true });
  assert.equal(await half(relay, "start"), 200);
  await server.waitFor(({ counts }) => counts.callStarts === 1);
  // As after a disk failure, or ten minutes without a request.
  relay.relay.logs.retire(relay.relay.logs.opened(PROJECT)!);
  assert.equal(await half(relay, "end"), 200);
  await relay.stop();
  assert.ok(isWhole(server), JSON.stringify(server.store.calls(PROJECT)));
  assert.equal(lookUps.hits, 0);
});

test("relay: an end that the disk did not take is taken when it is sent again", async () => {
  await using server = await startMockServer();
  server.faults.add({ path: "/call/read", status: 500 });
  await using relay = await startRelay({ server: server.url });
  assert.equal(await half(relay, "start"), 200);
  await server.waitFor(({ counts }) => counts.callStarts === 1);
  const log = relay.relay.logs.opened(PROJECT)!;
  const append = log.append.bind(log);
  log.append = () => {
    log.append = append;
    return () => Promise.reject(Object.assign(new Error("EIO: injected"), { code: "EIO" }));
  };
  assert.equal(await half(relay, "end"), 503);
  assert.equal(await half(relay, "end"), 200);
  await relay.stop();
  assert.ok(isWhole(server), JSON.stringify(server.store.calls(PROJECT)));
});

test("relay: an end is recorded at once while nobody can say where its call began", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  await server.stop();
  assert.equal(await half(relay, "end"), 200);
  assert.equal(relay.relay.counters.records, 1);
});
