/**
 * Slow servers receive each request once; unresponsive ones do not keep requests in
 * flight.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import { HEALTH_LIMIT_MS } from "../../../src/delivery/http/transport.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { appendCalls, withDelivery } from "../../support/delivery/delivery_fixture.ts";
import { readReply, replyTo } from "../../support/delivery/fake_replies.ts";
import { LogWorld } from "../../support/wal/wal_fixture.ts";

/** A server on a virtual clock that responds after `delay` ms, or never. */
function slowServer(world: LogWorld, delay: (path: string) => number) {
  const seen: { path: string; at: number; aborted: boolean }[] = [];
  const fetch: Fetch = (url, init) => {
    const path = new URL(url).pathname;
    const request = { path, at: world.clock.monotonic(), aborted: false };
    seen.push(request);
    return new Promise((resolve, reject) => {
      const timer = world.clock.after(
        delay(path),
        () => resolve(new Response(readReply(path) ?? replyTo(path))),
      );
      init!.signal!.addEventListener("abort", () => {
        request.aborted = true;
        timer.cancel();
        reject(new Error("Aborted"));
      });
    });
  };
  const writes = () => seen.filter(({ path }) => readReply(path) === null);
  return { fetch, seen, writes };
}

for (const delayMs of [4_000, 20_000, 29_000]) {
  for (const useCallsComplete of [true, false]) {
    const api = useCallsComplete ? "v2" : "v1";
    test(`patience: a server that takes ${delayMs} ms per batch gets each once, ${api}`, async () => {
      const world = new LogWorld();
      // Quick requests in between are not evidence about slow ones.
      const server = slowServer(world, (path) => /call/.test(path) ? delayMs : 5);
      const runtime = world.process();
      const { fetch } = server;
      const pipeline = openPipeline(world.options(runtime, { fetch, useCallsComplete }));
      for (let round = 0; round < 4; round++) {
        appendCalls(pipeline, `r${round}-`, 10);
        const obj = { project_id: "team/project", object_id: `o${round}`, val: round };
        pipeline.append("obj_create", JSON.stringify({ obj }));
        await world.clock.elapse(40_000);
      }
      await world.clock.elapse(120_000);
      assert.equal((await pipeline.stats()).pendingRecords, 0);
      assert.ok(server.seen.every(({ aborted }) => !aborted));
      assert.equal(server.writes().filter(({ path }) => /call/.test(path)).length, 4);
      await pipeline.finish();
      runtime.exit();
    });
  }
}

test("patience: a server that accepts connections and never responds gets health checks only", async () => {
  const world = new LogWorld();
  const server = slowServer(world, () => Infinity);
  const runtime = world.process();
  const pipeline = openPipeline(world.options(runtime, { fetch: server.fetch }));
  appendCalls(pipeline, "a", 10);
  await world.clock.elapse(HEALTH_LIMIT_MS + 10);
  assert.deepEqual(server.seen.map(({ path, aborted }) => [path, aborted]), [["/health", true]]);
  await world.clock.elapse(10 * 60_000);
  assert.ok(server.seen.length > 10);
  assert.equal(server.writes().length, 0);
  assert.match((await pipeline.stats()).server.reason, /No complete response within \d+ ms/);
  const finishing = pipeline.finish({ timeout: 0 });
  await world.clock.elapse(0);
  await finishing;
  runtime.exit();
});

test("patience: a server with slow health checks still gets data in the end", async () => {
  const world = new LogWorld();
  const server = slowServer(world, () => 10_000);
  const runtime = world.process();
  const pipeline = openPipeline(world.options(runtime, { fetch: server.fetch }));
  appendCalls(pipeline, "a", 10);
  await world.clock.elapse(5 * 60_000);
  assert.equal((await pipeline.stats()).pendingRecords, 0);
  assert.equal(server.writes().length, 1);
  await pipeline.finish();
  runtime.exit();
});

test("patience: after a request timeout, the server is checked before the next send", async () => {
  const world = new LogWorld();
  let isHanging = true;
  const server = slowServer(world, (path) => isHanging && /call/.test(path) ? Infinity : 5);
  const runtime = world.process();
  const pipeline = openPipeline(
    world.options(runtime, { fetch: server.fetch, timeoutMs: 30_000 }),
  );
  appendCalls(pipeline, "a", 10);
  await world.clock.elapse(29_000);
  assert.deepEqual(server.seen.map(({ path }) => path), ["/health", "/call/upsert_batch"]);
  isHanging = false;
  await world.clock.elapse(5_000);
  assert.deepEqual(server.seen.slice(2).map(({ path }) => path), ["/health", "/call/upsert_batch"]);
  assert.equal((await pipeline.stats()).pendingRecords, 0);
  await pipeline.finish();
  runtime.exit();
});

test("state: the last error and the reason are those of the latest failure", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    const first = fixture.mock.faults.add({ status: 503 });
    const pipeline = fixture.open();
    appendCalls(pipeline, "a", 3);
    await fixture.event("server-down");
    assert.match((await pipeline.stats()).lastError!.message, /HTTP 503/);
    const since = (await pipeline.stats()).server.since;
    fixture.mock.faults.add({ status: 500 });
    first.remove();
    for (;;) {
      const { server, lastError } = await pipeline.stats();
      if (/HTTP 500/.test(server.reason) && /HTTP 500/.test(lastError!.message)) {
        assert.equal(server.since, since, "the outage began with the first failure");
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    fixture.mock.faults.clear();
    assert.equal((await pipeline.finish()).done, true);
  });
});
