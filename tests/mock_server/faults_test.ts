import assert from "node:assert/strict";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { endOf, post, PROJECT, send, startOf } from "../support/mock_server/mock_requests.ts";

function start(mock: { url: string }, id = "a", init?: RequestInit) {
  return post(mock, "/call/start", { start: startOf(id) }, init);
}

test("mock fault: a status with its Retry-After in seconds, and no work done", async () => {
  await using mock = await startMockServer();
  const fault = mock.faults.add({ status: 503, retryAfter: 7, times: 1 });
  const answer = await start(mock);
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get("retry-after"), "7");
  assert.equal(answer.json.error_type, "InjectedFault");
  assert.equal(mock.store.callCount(), 0);
  assert.equal(fault.hits, 1);
  assert.equal((await start(mock)).status, 200);
});

test("mock fault: Retry-After as a date, and a body of its own", async () => {
  await using mock = await startMockServer();
  const date = new Date("2031-02-03T04:05:06Z");
  mock.faults.add({ status: 429, retryAfter: date, body: "slow down", times: 1 });
  const answer = await start(mock);
  assert.equal(answer.headers.get("retry-after"), "Mon, 03 Feb 2031 04:05:06 GMT");
  assert.equal(answer.text, "slow down");
  mock.faults.add({ status: 400, body: { reason: "no", error_code: "X" }, times: 1 });
  assert.deepEqual((await start(mock)).json, { reason: "no", error_code: "X" });
});

test("mock fault: it affects only its path, a number of times, after a number of requests", async () => {
  await using mock = await startMockServer();
  mock.faults.add({ path: "/call/start", status: 500, skip: 1, times: 2 });
  const seen: number[] = [];
  for (let round = 0; round < 4; round++) {
    seen.push((await start(mock)).status);
    assert.equal((await post(mock, "/call/end", { end: endOf("a") })).status, 200);
  }
  assert.deepEqual(seen, [200, 500, 500, 200]);
  assert.deepEqual(mock.faults.active, []);
});

test("mock fault: an expression matches paths, and the first fault wins", async () => {
  await using mock = await startMockServer();
  const first = mock.faults.add({ path: /^\/call\//, status: 500 });
  mock.faults.add({ status: 502 });
  assert.equal((await start(mock)).status, 500);
  assert.equal((await send(`${mock.url}/health`)).status, 502);
  first.remove();
  assert.equal((await start(mock)).status, 502);
  mock.faults.clear();
  assert.equal((await start(mock)).status, 200);
});

test("mock fault: it may match a poison record in the body", async () => {
  await using mock = await startMockServer();
  mock.faults.add({ bodyHas: "poison-é", status: 400 });
  assert.equal((await start(mock, "fine")).status, 200);
  assert.equal((await start(mock, "poison-é")).status, 400);
});

test("mock fault: a delayed answer comes late, its work was done before", async () => {
  await using mock = await startMockServer();
  mock.faults.add({ delayMs: 60_000, times: 1 });
  const client = new AbortController();
  const late = start(mock, "a", { signal: client.signal });
  await mock.waitFor((store) => store.callCount() === 1);
  client.abort();
  await assert.rejects(late);
  mock.faults.add({ delayMs: 1, times: 1 });
  assert.equal((await start(mock)).status, 200);
});

test("mock fault: a hanging request ends with its client, no work done", async () => {
  await using mock = await startMockServer();
  mock.faults.add({ hang: true, times: 1 });
  const client = new AbortController();
  const hanging = start(mock, "a", { signal: client.signal });
  await mock.waitFor(() => mock.journal.inFlight === 1);
  client.abort();
  await assert.rejects(hanging);
  await mock.waitFor(() => mock.journal.inFlight === 0);
  assert.equal(mock.journal.entries[0].status, null);
  assert.equal(mock.journal.entries[0].fault, "hang");
  assert.equal(mock.store.callCount(), 0);
});

for (const engine of ["native", "node"] as const) {
  test(`mock fault (${engine}): a held request ends when the server stops`, async () => {
    for (const fault of [{ hang: true }, { delayMs: 60_000 }]) {
      await using mock = await startMockServer({ engine });
      mock.faults.add(fault);
      const held = assert.rejects(start(mock));
      await mock.waitFor(() => mock.journal.inFlight === 1);
      await mock.stop();
      await held;
      await mock.restart();
      await mock.waitFor(() => mock.journal.inFlight === 0);
    }
  });
}

test("mock fault: a reset makes fetch reject, no work done", async () => {
  await using mock = await startMockServer();
  mock.faults.add({ reset: true, times: 1 });
  await assert.rejects(fetch(`${mock.url}/call/start`, {
    method: "POST",
    body: JSON.stringify({ start: startOf("a") }),
  }));
  assert.equal(mock.store.callCount(), 0);
  assert.equal(mock.journal.total, 1);
  assert.equal((await start(mock)).status, 200);
});

test("mock fault: a lost reply makes fetch reject, the work was done once", async () => {
  await using mock = await startMockServer();
  mock.faults.add({ loseReply: true, times: 1 });
  await assert.rejects(start(mock));
  assert.equal(mock.store.counts.callStarts, 1);
  await start(mock);
  assert.equal(mock.store.callCount(), 1);
  assert.equal(mock.store.counts.duplicateStarts, 1);
  assert.deepEqual(mock.journal.entries.map(({ status }) => status), [null, 200]);
});

test("mock fault: a cut reply has its head, and breaks while it is read", async () => {
  await using mock = await startMockServer();
  mock.faults.add({ truncate: 5, times: 1 });
  const response = await fetch(`${mock.url}/call/start`, {
    method: "POST",
    body: JSON.stringify({ start: startOf("a") }),
  });
  assert.equal(response.status, 200);
  await assert.rejects(response.text());
  assert.equal(mock.store.callCount(), 1);
});

test("mock fault: on node:http a cut reply promises its whole length", async () => {
  await using mock = await startMockServer({ engine: "node" });
  const whole = (await start(mock)).text.length;
  for (const bytes of [0, 5]) {
    mock.faults.add({ truncate: bytes, times: 1 });
    const response = await fetch(`${mock.url}/call/start`, {
      method: "POST",
      body: JSON.stringify({ start: startOf("a") }),
    });
    assert.equal(response.headers.get("content-length"), `${whole}`);
    await assert.rejects(response.text());
  }
});

test("mock fault: garbage is a 200 that is not JSON, and the request is not processed", async () => {
  await using mock = await startMockServer();
  mock.faults.add({ garbage: true, times: 1 });
  const answer = await start(mock);
  assert.equal(answer.status, 200);
  assert.equal(answer.json, undefined);
  assert.equal(mock.store.callCount(), 0);
});

test("mock fault: a redirect names its target", async () => {
  await using mock = await startMockServer();
  await using other = await startMockServer();
  mock.faults.add({ redirect: `${other.url}/call/start`, times: 1 });
  const response = await fetch(`${mock.url}/call/start`, { method: "POST", redirect: "manual" });
  await response.body?.cancel();
  assert.equal(response.status, 307);
  assert.equal(response.headers.get("location"), `${other.url}/call/start`);
  assert.equal(other.journal.total, 0);
});

test("mock fault: the runtime's own server truncates responses as far as possible", async () => {
  await using mock = await startMockServer({ engine: "native" });
  for (const fault of [{ reset: true }, { loseReply: true }, { truncate: 5 }, { truncate: 0 }]) {
    mock.faults.add({ ...fault, times: 1 });
    await assert.rejects(start(mock), JSON.stringify(fault));
  }
  assert.equal(mock.store.counts.callStarts, 3);
  assert.equal(mock.store.counts.duplicateStarts, 2);
  assert.equal((await post(mock, "/calls/query_stats", { project_id: PROJECT })).json.count, 1);
});

test("mock fault: faults come and go over HTTP", async () => {
  await using mock = await startMockServer();
  const add = (fault: unknown) => post(mock, "/__mock/faults", fault);
  await add({ path: "/call/start", status: 503, times: 1, retryAfter: "2031-02-03T04:05:06Z" });
  await add({ pathPattern: "^/call/", status: 429, retryAfter: 3 });
  assert.equal((await add({ color: "red" })).status, 422);
  const first = await start(mock);
  assert.equal(first.status, 503);
  assert.equal(first.headers.get("retry-after"), "Mon, 03 Feb 2031 04:05:06 GMT");
  assert.equal((await start(mock)).headers.get("retry-after"), "3");
  const listed = await send(`${mock.url}/__mock/faults`);
  assert.deepEqual(listed.json, [{ path: "^\\/call\\/", status: 429, retryAfter: 3, hits: 1 }]);
  await send(`${mock.url}/__mock/faults`, { method: "DELETE" });
  assert.equal((await start(mock)).status, 200);
});
