import assert from "node:assert/strict";
import type { WeaveWalError } from "../../src/errors.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { MockStore } from "../../tools/mock_server/store/store.ts";
import { test } from "../harness.ts";
import { post, PROJECT, send, startOf } from "../support/mock_server/mock_requests.ts";

function start(mock: { url: string }, id: string) {
  return post(mock, "/call/start", { start: startOf(id) });
}

for (const engine of ["native", "node"] as const) {
  test(`mock server (${engine}): down, then up again on its port with what it held`, async () => {
    await using mock = await startMockServer({ engine });
    const { port } = mock;
    await start(mock, "a");
    await mock.stop();
    await mock.stop();
    await assert.rejects(fetch(`${mock.url}/health`));
    await mock.restart();
    assert.equal(mock.port, port);
    assert.equal((await start(mock, "b")).status, 200);
    assert.deepEqual(mock.store.calls().map((call) => call.id), ["a", "b"]);
  });

  test(`mock server (${engine}): restarts under clients that keep their connections`, async () => {
    await using mock = await startMockServer({ engine, keepAlive: true });
    for (let round = 0; round < 3; round++) {
      assert.equal((await send(`${mock.url}/health`)).status, 200);
      await mock.restart();
      // The client may find its old connection closed; the next request must work.
      await send(`${mock.url}/health`).catch(() => {});
    }
    assert.equal((await send(`${mock.url}/health`)).status, 200);
  });

  test(`mock server (${engine}): a port in use is an error that contains the port`, async () => {
    await using mock = await startMockServer({ engine });
    await assert.rejects(
      startMockServer({ engine, port: mock.port }),
      (error: WeaveWalError) =>
        error.code === "ERR_INVALID_OPTION" &&
        error.message === `Cannot listen on port: ${mock.port} (it is in use)`,
    );
  });

  test(`mock server (${engine}): reports when an expected request has been answered`, async () => {
    await using mock = await startMockServer({ engine });
    const both = mock.waitFor((store) => store.callCount() === 2);
    const answers = Promise.all([start(mock, "a"), start(mock, "b")]);
    await both;
    await mock.stop();
    assert.deepEqual((await answers).map(({ status }) => status), [200, 200]);
  });
}

test("mock server: another server may take over the port and the store", async () => {
  const store = new MockStore();
  const first = await startMockServer({ store });
  await start(first, "a");
  await first.stop();
  await using second = await startMockServer({ store, port: first.port });
  assert.equal(second.store, store);
  assert.equal((await post(second, "/calls/query_stats", { project_id: PROJECT })).json.count, 1);
});

test("mock server: waiting resolves at once, gives up in time, and passes errors on", async () => {
  await using mock = await startMockServer();
  await mock.waitFor((store) => store.callCount() === 0);
  await assert.rejects(
    mock.waitFor((store) => store.callCount() === 1, { timeout: 5 }),
    { name: "TimeoutError" },
  );
  await assert.rejects(
    mock.waitFor(() => {
      throw new Error("predicate");
    }),
    /predicate/,
  );
});

test("mock server: waiting continues across a restart", async () => {
  await using mock = await startMockServer();
  const waiting = mock.waitFor((store) => store.callCount() === 1);
  await mock.restart();
  await start(mock, "a");
  await waiting;
});

test("mock server: the journal lists each request", async () => {
  await using mock = await startMockServer({ journalBodies: true });
  const body = JSON.stringify({ start: startOf("é") });
  await send(`${mock.url}/call/start?x=1`, {
    method: "POST",
    body,
    headers: {
      "x-weave-retry-id": "r1",
      authorization: "Basic abc",
      "user-agent": "tester",
      "content-type": "application/json",
    },
  });
  await start(mock, "");
  const [entry] = mock.journal.to("/call/start");
  const { at, duration, ...rest } = entry;
  assert.ok(Math.abs(Date.now() - at) < 60_000);
  assert.equal(typeof duration, "number");
  assert.deepEqual(rest, {
    number: 1,
    method: "POST",
    path: "/call/start",
    retryId: "r1",
    authorization: "Basic abc",
    contentType: "application/json",
    userAgent: "tester",
    bytes: new TextEncoder().encode(body).length,
    body,
    items: 1,
    status: 200,
    fault: null,
  });
  assert.equal(mock.journal.to(/^\/call/).length, 2);
  assert.equal(mock.journal.peakInFlight, 1);
});

test("mock server: the journal forgets the oldest", async () => {
  await using mock = await startMockServer({ journalSize: 3 });
  for (let round = 0; round < 8; round++) await send(`${mock.url}/health`);
  assert.deepEqual(mock.journal.entries.map((entry) => entry.number), [6, 7, 8]);
  assert.equal(mock.journal.total, 8);
});

test("mock server: requests at the same time are counted", async () => {
  await using mock = await startMockServer();
  mock.faults.add({ delayMs: 60_000 });
  const client = new AbortController();
  const { signal } = client;
  const requests = ["a", "b", "c"].map((id) =>
    fetch(`${mock.url}/call/start`, {
      method: "POST",
      body: JSON.stringify({ start: startOf(id) }),
      signal,
    })
  );
  await mock.waitFor((store) => store.callCount() === 3);
  assert.equal(mock.journal.inFlight, 3);
  client.abort();
  for (const request of requests) await assert.rejects(request);
  assert.equal(mock.journal.peakInFlight, 3);
});

test("mock server: without kept bodies only ids and counts stay", async () => {
  await using mock = await startMockServer({ keepBodies: false });
  await start(mock, "a");
  await post(mock, "/obj/create", { obj: { project_id: PROJECT, object_id: "o", val: "big" } });
  await post(mock, "/table/create", { table: { project_id: PROJECT, rows: [{ x: 1 }] } });
  assert.deepEqual(mock.store.calls()[0].inputs, {});
  assert.equal(mock.store.calls()[0].trace_id, "trace-a");
  assert.equal(mock.store.object(PROJECT, "o")!.val, null);
  assert.equal(mock.store.counts.tables, 1);
});

test("mock server: other programs can read and reset its state", async () => {
  await using mock = await startMockServer({ apiKey: "secret" });
  await send(`${mock.url}/call/start`, {
    method: "POST",
    body: JSON.stringify({ start: startOf("a") }),
    headers: { authorization: `Basic ${btoa("api:secret")}` },
  });
  const state = (await send(`${mock.url}/__mock/state`)).json;
  assert.equal(state.calls, 1);
  assert.equal(state.finished, 0);
  assert.equal(state.counts.callStarts, 1);
  assert.equal(state.projects[0].id, PROJECT);
  assert.equal(state.projects[0].callTable, "v1");
  assert.deepEqual(state.requests, { total: 1, inFlight: 0, peakInFlight: 1 });
  const calls = (await send(`${mock.url}/__mock/calls?project=${PROJECT}`)).json;
  assert.equal(calls[0].id, "a");
  assert.equal((await send(`${mock.url}/__mock/journal`)).json[0].path, "/call/start");

  await send(`${mock.url}/__mock/reset`, { method: "POST" });
  assert.equal(mock.store.callCount(), 0);
  assert.equal(mock.journal.total, 0);
  assert.equal(mock.store.counts.callStarts, 0);
});

test("mock server: other programs can configure it", async () => {
  await using mock = await startMockServer({ apiKey: "secret" });
  const answer = await post(mock, "/__mock/behavior", { apiKey: null, callMode: "complete" });
  assert.equal(answer.json.callMode, "complete");
  assert.equal((await start(mock, "a")).json.error_code, "CALLS_COMPLETE_MODE_REQUIRED");
  assert.equal((await post(mock, "/__mock/behavior", { color: "red" })).status, 422);
  assert.equal((await post(mock, "/__mock/behavior", { callMode: "newest" })).status, 422);
});
