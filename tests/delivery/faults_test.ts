import assert from "node:assert/strict";
import { test } from "../harness.ts";
import { appendCalls, end, start, withDelivery } from "../support/delivery/delivery_fixture.ts";
import type { Fault } from "../../tools/mock_server/faults.ts";

const BATCH = "/call/upsert_batch";

test("delivery: complete calls arrive once and leave an empty directory", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    const pipeline = fixture.open();
    appendCalls(pipeline, "a", 50);
    const result = await pipeline.finish();
    assert.deepEqual(result, {
      done: true,
      pendingBytes: 0,
      pendingRecords: 0,
      delivered: 100,
      deadLettered: 0,
    });
    assert.equal(fixture.mock.store.finishedCount("team/project"), 50);
    assert.equal(fixture.mock.store.counts.duplicateStarts, 0);
    assert.deepEqual(fixture.files(), []);
  });
});

test("delivery: complete calls go through the v2 path, open ones as v2 start and end", async () => {
  await withDelivery({ callMode: "new" }, async (fixture) => {
    const { mock } = fixture;
    const pipeline = fixture.open({ useCallsComplete: true });
    appendCalls(pipeline, "a", 10);
    pipeline.append("call_start", start("open"));
    await pipeline.flush();
    const { callCompletes, callStarts, callEnds } = mock.store.counts;
    assert.deepEqual({ callCompletes, callStarts, callEnds }, {
      callCompletes: 10,
      callStarts: 1,
      callEnds: 0,
    });
    pipeline.append("call_end", end("open"));
    assert.equal((await pipeline.finish()).done, true);
    assert.equal(mock.store.finishedCount("team/project"), 11);
    assert.equal(mock.store.counts.orphanEnds, 0);
  });
});

const RETRIED: [string, Fault][] = [
  ["a reset", { reset: true }],
  ["HTTP 408", { status: 408 }],
  ["HTTP 425", { status: 425 }],
  ["HTTP 429 with Retry-After", { status: 429, retryAfter: 0 }],
  ["HTTP 500", { status: 500 }],
  ["HTTP 502", { status: 502 }],
  ["HTTP 503 with a date in Retry-After", { status: 503, retryAfter: new Date(0) }],
  ["HTTP 504", { status: 504 }],
  ["a captive portal's page", { garbage: true }],
  ["a 200 with nothing in it", { status: 200, body: "" }],
  ["a 200 with other text", { status: 200, body: "OK" }],
  ["a 200 with JSON that is not an object", { status: 200, body: [] }],
];

for (const [name, fault] of RETRIED) {
  test(`delivery: ${name} is retried until it succeeds`, async () => {
    await withDelivery({ callMode: "old" }, async (fixture) => {
      const active = fixture.mock.faults.add({ ...fault, path: BATCH, times: 3 });
      const pipeline = fixture.open();
      appendCalls(pipeline, "a", 5);
      const result = await pipeline.finish();
      assert.equal(result.done, true);
      assert.equal(result.deadLettered, 0);
      assert.equal(active.hits, 3);
      assert.equal(fixture.mock.store.finishedCount("team/project"), 5);
      const ids = fixture.mock.journal.entries.filter(({ path }) => path === BATCH)
        .map(({ retryId }) => retryId);
      assert.equal(ids.length, 4);
      assert.equal(new Set(ids).size, 1, "every attempt carries the same X-Weave-Retry-Id");
      assert.deepEqual(fixture.files(), []);
    });
  });
}

for (const fault of [{ loseReply: true }, { truncate: 4 }] satisfies Fault[]) {
  const [name] = Object.keys(fault);
  test(`delivery: after the fault ${name} every write takes effect once`, async () => {
    await withDelivery({ callMode: "old" }, async (fixture) => {
      fixture.mock.faults.add({ ...fault, path: BATCH, times: 1 });
      const pipeline = fixture.open();
      appendCalls(pipeline, "a", 5);
      assert.equal((await pipeline.finish()).done, true);
      const { store } = fixture.mock;
      assert.equal(store.finishedCount("team/project"), 5);
      assert.equal(store.counts.duplicateStarts, 5, "the same bytes were sent twice");
      assert.equal(store.counts.conflicts, 0, "and changed nothing the second time");
    });
  });
}

test("delivery: a hanging attempt is aborted at the time limit and retried", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    const active = fixture.mock.faults.add({ hang: true, path: BATCH, times: 1 });
    const pipeline = fixture.open({ timeoutMs: 50 });
    appendCalls(pipeline, "a", 5);
    assert.equal((await pipeline.finish()).done, true);
    assert.equal(active.hits, 1);
    assert.match((await fixture.event("server-down")).message, /within 50 ms/);
    assert.equal(fixture.mock.store.finishedCount("team/project"), 5);
  });
});

test("delivery: records wait for an unreachable server, and arrive when it is back", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    await fixture.mock.stop();
    const pipeline = fixture.open();
    appendCalls(pipeline, "a", 5);
    await fixture.event("server-down");
    const waiting = await pipeline.flush({ timeout: 30 });
    assert.equal(waiting.done, false);
    assert.equal(waiting.reason, "timeout");
    assert.equal(waiting.pendingRecords, 10);
    assert.ok(waiting.pendingBytes > 0);
    await fixture.mock.restart();
    const done = await pipeline.finish();
    assert.equal(done.done, true);
    assert.equal(done.delivered, 10);
    assert.equal(fixture.mock.store.finishedCount("team/project"), 5);
    await fixture.event("server-up");
  });
});

test("delivery: a server that restarts during delivery misses nothing", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    const pipeline = fixture.open({ batchRecords: 20, lingerMs: 0 });
    appendCalls(pipeline, "a", 200);
    await fixture.mock.waitFor((store) => store.finishedCount("team/project") >= 20);
    await fixture.mock.restart();
    appendCalls(pipeline, "b", 200);
    assert.equal((await pipeline.finish()).done, true);
    assert.equal(fixture.mock.store.finishedCount("team/project"), 400);
    assert.equal(fixture.mock.store.counts.conflicts, 0);
  });
});

test("delivery: while the server is down one request probes and the others wait", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    const active = fixture.mock.faults.add({ status: 503 });
    // The logs of eight writers, drained concurrently by one sender.
    for (let i = 0; i < 8; i++) {
      const writer = fixture.open({ sender: false });
      appendCalls(writer, `w${i}-`, 10);
      await writer.finish();
    }
    const pipeline = fixture.open();
    await pipeline.flush({ timeout: 300 });
    const during = fixture.mock.journal.peakInFlight;
    active.remove();
    assert.equal((await pipeline.finish()).done, true);
    assert.ok(during <= 4, `${during} requests at once`);
    assert.equal(fixture.mock.store.finishedCount("team/project"), 80);
  });
});

test("delivery: a log in memory behaves the same", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    fixture.mock.faults.add({ status: 503, path: BATCH, times: 2 });
    const pipeline = fixture.open({ wal: false });
    appendCalls(pipeline, "a", 2_000);
    const result = await pipeline.finish();
    assert.equal(result.done, true);
    assert.equal(result.delivered, 4_000);
    assert.equal(fixture.mock.store.finishedCount("team/project"), 2_000);
    assert.deepEqual(fixture.allFiles(), []);
  });
});

test("delivery: the memory log stays within its limits and reports dropped records", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    await fixture.mock.stop();
    const pipeline = fixture.open({ wal: false, maxMemoryRecords: 10 });
    appendCalls(pipeline, "a", 20);
    await fixture.event("dropped");
    await fixture.mock.restart();
    assert.equal((await pipeline.finish()).delivered, 10);
  });
});
