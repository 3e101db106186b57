import assert from "node:assert/strict";
import type { DeliveryClient } from "../../src/delivery/delivery_client.ts";
import { retryDeadLetters } from "../../src/delivery/dead_letters/retry_dead_letters.ts";
import { MemoryRuntime } from "../support/simulated_runtime/memory.ts";
import { test } from "../harness.ts";
import { appendCalls, end, start, withDelivery } from "../support/delivery/delivery_fixture.ts";
import type { Fault } from "../../tools/mock_server/faults.ts";

const BATCH = "/call/upsert_batch";

test("delivery: whole calls arrive once and the directory is empty behind them", async () => {
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
  test(`delivery: ${name} is tried again until it works`, async () => {
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
  test(`delivery: after the fault ${name} the work is done once in effect`, async () => {
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

test("delivery: an attempt that hangs ends at the time limit and is made again", async () => {
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

test("delivery: records wait for a server that is not there, and arrive when it is", async () => {
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

test("delivery: a server that restarts in the middle misses nothing", async () => {
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

for (const status of [401, 403]) {
  test(`delivery: HTTP ${status} holds everything, says so once, and loses nothing`, async () => {
    await withDelivery({ callMode: "old" }, async (fixture) => {
      const active = fixture.mock.faults.add({ status, path: BATCH });
      const pipeline = fixture.open();
      appendCalls(pipeline, "a", 5);
      await fixture.event("server-blocked");
      assert.equal((await pipeline.flush({ timeout: 60 })).done, false);
      assert.equal(fixture.events.filter(({ name }) => name === "server-blocked").length, 1);
      assert.equal(fixture.events.filter(({ name }) => name === "dead-letter").length, 0);
      active.remove();
      const result = await pipeline.finish();
      assert.equal(result.done, true);
      assert.equal(result.deadLettered, 0);
      assert.equal(fixture.mock.store.finishedCount("team/project"), 5);
    });
  });
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`delivery: a redirect (${status}) is not followed, so the key goes to no other host`, async () => {
    await withDelivery({ callMode: "old" }, async (fixture) => {
      await withDelivery({ callMode: "old" }, async (other) => {
        const active = fixture.mock.faults.add({
          redirect: `${other.mock.url}${BATCH}`,
          status,
          path: BATCH,
        });
        const pipeline = fixture.open();
        appendCalls(pipeline, "a", 1);
        await fixture.event("server-blocked");
        active.remove();
        const result = await pipeline.finish();
        assert.deepEqual([result.done, result.deadLettered], [true, 0]);
        assert.equal(other.mock.journal.total, 0);
      });
    });
  });
}

test("delivery: a batch over the server's limit is halved until it fits", async () => {
  await withDelivery({ callMode: "old", bodyLimit: 4_000 }, async (fixture) => {
    const pipeline = fixture.open({ lingerMs: 50 });
    appendCalls(pipeline, "a", 40);
    const result = await pipeline.finish();
    assert.equal(result.done, true);
    assert.equal(result.deadLettered, 0);
    assert.equal(fixture.mock.store.finishedCount("team/project"), 40);
    assert.ok(fixture.mock.journal.entries.some(({ status }) => status === 413));
  });
});

test("delivery: only the record over the server's limit is dead-lettered", async () => {
  await withDelivery({ callMode: "old", bodyLimit: 4_000 }, async (fixture) => {
    const pipeline = fixture.open();
    appendCalls(pipeline, "a", 2);
    pipeline.append("call_start", start("large", "x".repeat(5_000)));
    appendCalls(pipeline, "b", 2);
    const result = await pipeline.finish();
    assert.equal(result.done, true);
    assert.equal(result.deadLettered, 1);
    assert.equal(fixture.mock.store.finishedCount("team/project"), 4);
    const [deadLetter] = fixture.deadLetters();
    assert.equal(deadLetter.error.status, 413);
    assert.equal((deadLetter.req as { start: { id: string } }).start.id, "large");
  });
});

test("delivery: one poison record in a thousand is found with few requests, and kept", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    fixture.mock.faults.add({
      path: BATCH,
      bodyHas: '"id":"a617"',
      status: 422,
      body: { detail: [{ msg: "no such thing" }] },
    });
    const pipeline = fixture.open({ sender: false });
    for (let i = 0; i < 1_000; i++) pipeline.append("call_start", start(`a${i}`));
    await pipeline.finish();
    const result = await fixture.open({ batchRecords: 1_000 }).finish();
    assert.equal(result.deadLettered, 1);
    assert.equal(result.delivered, 999);
    assert.equal(fixture.mock.store.callCount("team/project"), 999);
    // 1 whole, then twice log2(1000): one request for each half on the way down.
    assert.ok(fixture.mock.journal.total <= 22, `${fixture.mock.journal.total} requests`);
    const [deadLetter] = fixture.deadLetters();
    assert.equal(deadLetter.type, "call_start");
    assert.deepEqual(deadLetter.req, JSON.parse(start("a617")));
    assert.equal(deadLetter.error.reason, "refused");
    assert.equal(deadLetter.error.status, 422);
    assert.match(String(deadLetter.error.message), /no such thing/);
    assert.match(String(deadLetter.error.at), /^\d{4}-\d\d-\d\dT/);
    assert.deepEqual(fixture.files(), [], "only the dead letter stays");
  });
});

test("delivery: dead letters stay until they are sent again, and those that fail again stay", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    const first = fixture.mock.faults.add({ bodyHas: '"id":"a1"', status: 422 });
    fixture.mock.faults.add({ bodyHas: '"id":"a3"', status: 422 });
    const pipeline = fixture.open();
    for (let i = 0; i < 5; i++) pipeline.append("call_start", start(`a${i}`));
    assert.equal((await pipeline.flush()).deadLettered, 2);
    first.remove();
    const result = await pipeline.retryDeadLetters();
    assert.deepEqual(result, {
      delivered: 1,
      refused: 1,
      unreadable: 0,
      busy: [],
      stopped: false,
    });
    assert.equal(fixture.mock.store.callCount("team/project"), 4);
    const ids = fixture.deadLetters().map(({ req }) => (req as { start: { id: string } }).start.id);
    assert.deepEqual(ids, ["a3"]);
    await pipeline.finish();
    assert.equal(fixture.deadLetters().length, 1);
  });
});

test("delivery: a digest that the server computes otherwise is left out the second time", async () => {
  await withDelivery({}, async (fixture) => {
    const pipeline = fixture.open();
    const obj = { project_id: "team/project", object_id: "o", val: { n: 1 } };
    pipeline.append("obj_create", JSON.stringify({ obj: { ...obj, expected_digest: "wrong" } }));
    const result = await pipeline.finish();
    assert.equal(result.deadLettered, 0);
    assert.equal(fixture.mock.store.counts.objects, 1);
    const statuses = fixture.mock.journal.entries.filter(({ path }) => path === "/obj/create")
      .map(({ status }) => status);
    assert.deepEqual(statuses, [409, 200]);
  });
});

test("delivery: a server without the v2 calls API gets the v1 batch API, and no record is lost", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    const pipeline = fixture.open({ useCallsComplete: true });
    appendCalls(pipeline, "a", 10);
    await pipeline.flush();
    appendCalls(pipeline, "b", 10);
    const result = await pipeline.finish();
    assert.equal(result.deadLettered, 0);
    assert.equal(fixture.mock.store.finishedCount("team/project"), 20);
    assert.equal(fixture.events.filter(({ name }) => name === "calls-api").length, 1);
  });
});

test("delivery: a project in complete mode gets complete calls, and no record is lost", async () => {
  await withDelivery({ callMode: "complete" }, async (fixture) => {
    const pipeline = fixture.open({ useCallsComplete: false });
    appendCalls(pipeline, "a", 10);
    pipeline.append("call_start", start("open"));
    await pipeline.flush();
    pipeline.append("call_end", end("open"));
    const result = await pipeline.finish();
    assert.equal(result.deadLettered, 0);
    assert.equal(fixture.mock.store.finishedCount("team/project"), 11);
    assert.equal(fixture.mock.store.counts.orphanEnds, 0);
    assert.equal(fixture.events.filter(({ name }) => name === "calls-api").length, 1);
  });
});

test("delivery: while the server is down one request probes and the others wait", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    const active = fixture.mock.faults.add({ status: 503 });
    // Eight writers' logs, drained side by side by one sender.
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

test("delivery: without a log on disk the same happens in memory", async () => {
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

test("delivery: the memory log keeps to its bounds and says what it drops", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    await fixture.mock.stop();
    const pipeline = fixture.open({ wal: false, maxMemoryRecords: 10 });
    appendCalls(pipeline, "a", 20);
    await fixture.event("dropped");
    await fixture.mock.restart();
    assert.equal((await pipeline.finish()).delivered, 10);
  });
});

test("delivery: sending dead letters again leaves nothing behind at the signals that end it", async () => {
  const signal = new AbortController().signal;
  const listeners: unknown[] = [];
  signal.addEventListener = (_: string, listener: unknown) => void listeners.push(listener);
  signal.removeEventListener = (_: string, listener: unknown) =>
    void listeners.splice(listeners.indexOf(listener), 1);
  const deliveryClient = { stopped: signal } as unknown as DeliveryClient;
  const runtime = new MemoryRuntime();
  for (let n = 0; n < 3; n++) {
    const server = "http://server.test";
    await retryDeadLetters({
      runtime,
      deliveryClient,
      server,
      token: "e".repeat(32),
      directories: [],
    });
  }
  assert.equal(listeners.length, 0);
});
