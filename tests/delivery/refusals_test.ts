import assert from "node:assert/strict";
import type { DeliveryClient } from "../../src/delivery/delivery_client.ts";
import { retryDeadLetters } from "../../src/delivery/dead_letters/retry_dead_letters.ts";
import { MemoryRuntime } from "../support/simulated_runtime/memory.ts";
import { test } from "../harness.ts";
import { appendCalls, end, start, withDelivery } from "../support/delivery/delivery_fixture.ts";

const BATCH = "/call/upsert_batch";

for (const status of [401, 403, 407]) {
  test(`delivery: HTTP ${status} blocks all records, is reported once, and loses nothing`, async () => {
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
  test(`delivery: a redirect (${status}) is not followed, so no other server gets the key`, async () => {
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
    // One for the whole batch, then twice log2(1000) for the bisection.
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

test("delivery: a digest that differs on the server is omitted from the second attempt", async () => {
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

test("delivery: resending dead letters leaves no listeners on the signals that stop it", async () => {
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
