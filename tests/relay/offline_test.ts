import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "@std/path";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { endOf, post, PROJECT, send, startOf } from "../support/mock_server/mock_requests.ts";
import { callId, everyWrite, sendWrite, v1Writes } from "../support/relay/every_write.ts";
import { startRelay } from "../support/relay/relay_fixture.ts";

const VIEWER = { query: "query { viewer { username defaultEntity { name } } }" };
const PROJECT_INFO = { project_ids: [PROJECT] };

test("relay: while the server is down every write is answered, even by a relay started then", async () => {
  const folder = await mkdtemp(join(tmpdir(), "weave-wal-relay-"));
  try {
    await using server = await startMockServer();
    await server.stop();
    for (const writes of [everyWrite(), v1Writes()]) {
      await using relay = await startRelay({ server: server.url, walDir: folder });
      for (const write of writes) {
        const { status, json } = await sendWrite(relay.url, write);
        assert.equal(status, 200, `${write.path}: ${JSON.stringify(json)}`);
      }
      await relay.stop(0);
      assert.equal(server.journal.total, 0);
    }
    await server.restart();
    // Logs of relays that have exited are sent by the next one that opens the project's
    // log, or by the command's sender for all projects; here, it is this package's
    // client.
    const { openLog } = await import("../support/cli/written_logs.ts");
    const sender = openLog(join(folder, "wal"), PROJECT, {
      server: server.url,
      key: "key-0123456789",
    });
    const { done } = await sender.finish({ timeout: 20_000 });
    assert.ok(done);
    await server.waitFor(({ counts }) => counts.feedback >= 3 && counts.tables >= 3);
    const calls = server.store.calls(PROJECT);
    assert.deepEqual(calls.map(({ id }) => id).sort(), [1, 21, 22, 23].map(callId));
    assert.ok(calls.every(({ ended_at }) => ended_at !== null));
    assert.equal(server.store.counts.callDeletes, 1);
    assert.equal(server.store.counts.files, 2);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("relay: requests of SDKs at their start get the last known response, even after a restart", async () => {
  const folder = await mkdtemp(join(tmpdir(), "weave-wal-relay-"));
  try {
    await using server = await startMockServer({ defaultEntity: "acme" });
    const ask = async (url: string) =>
      [
        await send(`${url}/server_info`),
        await post({ url }, "/graphql", VIEWER),
        await post({ url }, "/service/projects_info", PROJECT_INFO),
      ].map(({ status, json }) => ({ status, json }));
    const known = await (async () => {
      await using relay = await startRelay({ server: server.url, walDir: folder });
      return await ask(relay.url);
    })();
    assert.deepEqual(known.map(({ status }) => status), [200, 200, 200]);
    await server.stop();
    await using relay = await startRelay({ server: server.url, walDir: folder });
    assert.deepEqual(await ask(relay.url), known);
    assert.deepEqual((await send(`${relay.url}/health`)).json, { status: "ok" });
    const other = await post(relay, "/graphql", { query: "query { other }" });
    assert.equal(other.status, 503);
    const change = { query: "mutation { upsertModel { id } }" };
    assert.equal((await post(relay, "/graphql", change)).status, 503);
    const read = await post(relay, "/calls/stream_query", { project_id: PROJECT });
    assert.equal(read.status, 503);
    assert.ok(Number(read.headers.get("retry-after")) > 0);
    assert.equal((await send(`${relay.url}/readyz`)).status, 200);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("relay: an error of the server is answered from memory at a start only", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  const known = await send(`${relay.url}/server_info`);
  server.faults.add({ path: /server_info|stream_query/, status: 502 });
  assert.deepEqual((await send(`${relay.url}/server_info`)).json, known.json);
  const read = await post(relay, "/calls/stream_query", { project_id: PROJECT });
  assert.equal(read.status, 502);
});

test("relay: a read sees earlier writes, and waits for its own project only", async () => {
  await using server = await startMockServer();
  // Only the read makes the sender skip its backoff.
  await using relay = await startRelay({ server: server.url, settings: { lingerMs: 60_000 } });
  const id = callId(1);
  await post(relay, "/call/start", { start: startOf(id, { trace_id: id }) });
  await post(relay, "/call/end", { end: endOf(id) });
  const { status, text } = await post(relay, "/calls/stream_query", { project_id: PROJECT });
  assert.equal(status, 200);
  assert.deepEqual(text.trim().split("\n").map((line) => JSON.parse(line).id), [id]);
  const held = server.faults.add({ path: /obj\/create/, hang: true });
  await post(relay, "/obj/create", { obj: { project_id: PROJECT, object_id: "a", val: 1 } });
  const other = await post(relay, "/calls/stream_query", { project_id: "team/other" });
  assert.equal(other.status, 200);
  held.remove();
});

test("relay: the rows of a table can be read back while the server is down", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  await server.stop();
  const rows = [{ a: 1 }, { a: "ä" }];
  const { json } = await post(relay, "/table/create", { table: { project_id: PROJECT, rows } });
  const query = { project_id: PROJECT, digest: json.digest };
  const read = await post(relay, "/table/query", query);
  assert.deepEqual(read.json, {
    rows: rows.map((val, i) => ({ digest: json.row_digests[i], val })),
  });
  assert.equal((await post(relay, "/table/query", { ...query, limit: 1 })).status, 503);
});
