import assert from "node:assert/strict";
import type { MockOptions } from "../../tools/mock_server/options.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { post, PROJECT } from "../support/mock_server/mock_requests.ts";
import {
  type ApiWrite,
  callId,
  everyWrite,
  sendWrite,
  v1Writes,
} from "../support/relay/every_write.ts";
import { startRelay } from "../support/relay/relay_fixture.ts";
import { stateOf } from "../support/relay/server_state.ts";

/** Removes the parts of a response that only the server can determine. */
function comparable(path: string, reply: Record<string, unknown>): unknown {
  if (path === "/cost/create") return Object.keys(reply);
  return JSON.parse(
    JSON.stringify(reply, (key, value) => /^(created_at|wb_user_id)$/.test(key) ? "" : value),
  );
}

async function compare(writes: ApiWrite[], options: MockOptions = {}): Promise<void> {
  await using direct = await startMockServer(options);
  await using server = await startMockServer(options);
  await using relay = await startRelay({ server: server.url });
  for (const write of writes) {
    const [expected, actual] = [
      await sendWrite(direct.url, write),
      await sendWrite(relay.url, write),
    ];
    assert.equal(expected.status, 200, `${write.path}: ${JSON.stringify(expected.json)}`);
    assert.equal(actual.status, 200, `${write.path}: ${JSON.stringify(actual.json)}`);
    assert.deepEqual(
      comparable(write.path, actual.json),
      comparable(write.path, expected.json),
      write.path,
    );
  }
  await relay.stop();
  assert.deepEqual(stateOf(server.store, PROJECT), stateOf(direct.store, PROJECT));
  assert.equal(server.store.counts.conflicts, 0);
}

test("relay: every write gets the server's response, and the server gets the same write", async () => {
  await compare(everyWrite());
});

test("relay: starts and ends in the v1 batch API arrive as without the relay", async () => {
  await compare(v1Writes(), { callMode: "old" });
});

test("relay: starts and ends in the v1 batch API arrive at a server of the v2 API", async () => {
  await using server = await startMockServer({ callMode: "complete" });
  await using relay = await startRelay({ server: server.url });
  for (const write of v1Writes()) assert.equal((await sendWrite(relay.url, write)).status, 200);
  await relay.stop();
  const calls = server.store.calls(PROJECT);
  assert.deepEqual(calls.map(({ id }) => id).sort(), [21, 22, 23].map(callId));
  assert.ok(calls.every(({ ended_at }) => ended_at !== null));
});

test("relay: missing IDs are generated, and are the same on the server", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  const started = await post(relay, "/call/start", {
    start: {
      project_id: PROJECT,
      op_name: "work",
      started_at: "2025-01-02T03:04:05Z",
      attributes: {},
      inputs: {},
    },
  });
  assert.equal(started.status, 200);
  const ended = { project_id: PROJECT, id: started.json.id, ended_at: "2025-01-02T03:04:06Z" };
  assert.equal((await post(relay, "/call/end", { end: { ...ended, summary: {} } })).status, 200);
  const weave_ref = `weave:///${PROJECT}/call/${started.json.id}`;
  const given = { project_id: PROJECT, weave_ref, feedback_type: "note", payload: { a: 1 } };
  const feedback = await post(relay, "/feedback/create", given);
  await relay.stop();
  const [call] = server.store.calls(PROJECT);
  assert.deepEqual([call.id, call.trace_id], [started.json.id, started.json.trace_id]);
  assert.deepEqual(server.store.feedback(PROJECT).map(({ id }) => id), [feedback.json.id]);
});

test("relay: a value whose digest only the server can compute gets its ref before the request", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  await server.stop();
  const object = (object_id: string, val: unknown) => ({
    obj: { project_id: PROJECT, object_id, val },
  });
  const inner = await post(relay, "/obj/create", object("inner", { a: 1 }));
  const ref = `weave:///${PROJECT}/object/inner:${inner.json.digest}`;
  const outer = await post(relay, "/obj/create", object("outer", { ref }));
  assert.match(outer.json.digest, /^PROVISIONAL/);
  const outerRef = `weave:///${PROJECT}/object/outer:${outer.json.digest}`;
  await post(relay, "/obj/create", object("third", { text: "no ref", outerRef }));
  const table = { table: { project_id: PROJECT, rows: [{ outerRef }] } };
  const { digest, row_digests } = (await post(relay, "/table/create", table)).json;
  assert.match(digest, /^PROVISIONAL/);
  await post(relay, "/table/create_from_digests", { project_id: PROJECT, row_digests });
  await server.restart();
  await relay.stop(20_000);
  const { objects, tables } = server.store.project(PROJECT);
  assert.equal(objects.size, 3);
  assert.equal(tables.size, 1, "the table of its digests is the same table");
  assert.ok(!JSON.stringify([[...objects], [...tables]]).includes("PROVISIONAL"));
});

test("relay: requests other than writes are forwarded, and the server reports errors", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  for (
    const [path, body] of [
      ["/call/upsert_batch", { batch: "no list" }],
      ["/call/end", { end: { project_id: PROJECT } }],
      ["/obj/create", { obj: { project_id: "no project", object_id: "a", val: 1 } }],
      ["/no/such/path", {}],
    ] as const
  ) {
    const [expected, actual] = [await post(server, path, body), await post(relay, path, body)];
    assert.ok(expected.status >= 400);
    assert.deepEqual([actual.status, actual.json], [expected.status, expected.json]);
  }
  assert.equal(relay.relay.counters.writes, 0);
});
