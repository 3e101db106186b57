import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { Fetch, Runtime } from "../../../src/runtime/runtime.ts";
import { countOperations, type OperationCounts } from "../../support/count_operations.ts";
import { test } from "../../harness.ts";
import { LogWorld } from "../../support/wal/wal_fixture.ts";
import { objectRequest, putOrphans } from "../../support/wal/writer_fixture.ts";

/** Number of open files according to the counted calls; failed opens count as well. */
function openFiles({ openRead = 0, openAppend = 0, "file.close": closed = 0 }: OperationCounts) {
  return openRead + openAppend - closed;
}

/** A process whose file operations are counted. */
function countingProcess(world: LogWorld) {
  const runtime = world.process();
  const files = countOperations(runtime.files);
  const { name, process, clock } = runtime;
  const counted: Runtime = { name, process, clock, files };
  return { runtime, counted, counts: files.counts };
}

/** Recovers this many segments of dead processes from a server that takes `delayMs` to answer. */
async function recover(segments: number, processes: number, delayMs = 0) {
  const world = new LogWorld();
  putOrphans(world, segments, processes, (n) => [`o${n}`]);
  const { runtime, counted, counts } = countingProcess(world);
  let most = 0;
  world.server.limit = 10 * segments;
  world.server.onRequest = () => most = Math.max(most, openFiles(counts));
  const fetch: Fetch = async (url, init) => {
    await new Promise<void>((resolve) => void world.clock.after(delayMs, resolve));
    return await world.server.fetch(url, init);
  };
  const changes = delayMs > 0 ? { fetch } : {};
  const finishing = openPipeline({ ...world.options(runtime, changes), runtime: counted }).finish();
  await world.clock.elapse(2 * delayMs * segments);
  const { done, delivered } = await finishing;
  assert.deepEqual([done, delivered, world.names()], [true, segments, []]);
  runtime.exit();
  return { counts, most, operations: Object.values(counts).reduce((sum, count) => sum + count, 0) };
}

for (
  const [what, processesOf] of [
    ["one process", () => 1],
    ["as many processes", (segments: number) => segments],
  ] as const
) {
  test(`recovery cost: file operations a segment do not grow with their number, left by ${what}`, async () => {
    const [few, many] = [200, 800];
    const cost = [];
    for (const segments of [few, many]) {
      const { operations, counts } = await recover(segments, processesOf(segments));
      cost.push({ each: operations / segments, counts });
    }
    const [first, second] = cost;
    const ratio = second.each / first.each;
    const text = JSON.stringify(cost);
    assert.ok(ratio > 0.9 && ratio < 1.1, `${first.each} and ${second.each} each: ${text}`);
    assert.ok(second.each < 25, text);
  });
}

test("recovery cost: file operations a segment do not grow with the time that the server takes", async () => {
  const [fast, slow] = [await recover(400, 400, 1), await recover(400, 400, 100)];
  // A few for each heartbeat.
  const more = slow.operations - fast.operations;
  const text = JSON.stringify([fast.counts, slow.counts]);
  assert.ok(more < 400, `${more} operations more: ${text}`);
});

test("recovery cost: few files are open, however many segments are recovered", async () => {
  const { most } = await recover(400, 20);
  assert.ok(most <= 8, `${most} open files`);
});

test("recovery cost: few files are open, however many of the own segments are pending", async () => {
  const world = new LogWorld();
  const { runtime, counted, counts } = countingProcess(world);
  world.server.refuse = () => ({ status: 503, body: {} });
  const pipeline = openPipeline({
    ...world.options(runtime, { segmentBytes: 100, random: () => 0.5, retryMaxMs: 1_000 }),
    runtime: counted,
  });
  const segments = 300;
  for (let n = 0; n < segments; n++) {
    const obj = { project_id: "team/project", object_id: `o${n}`, val: { text: "x".repeat(100) } };
    pipeline.append("obj_create", JSON.stringify({ obj }));
  }
  await world.clock.elapse(3_000);
  assert.equal(world.names().filter((name) => name.endsWith(".jsonl")).length, segments);
  assert.equal((await pipeline.stats()).pendingRecords, segments);
  assert.ok(openFiles(counts) <= 8, `${openFiles(counts)} open files`);
  world.server.refuse = () => null;
  const finishing = pipeline.finish();
  await world.clock.elapse(30_000);
  assert.equal((await finishing).delivered, segments);
  assert.equal(openFiles(counts), 0, "none is left open");
  assert.deepEqual(world.names(), []);
  runtime.exit();
});

test("recovery cost: heartbeats and timers do not grow with the number of own pending segments", async () => {
  const cost = [];
  for (const segments of [10, 300]) {
    const world = new LogWorld();
    const { runtime, counted, counts } = countingProcess(world);
    world.server.refuse = () => ({ status: 503, body: {} });
    const pipeline = openPipeline({
      ...world.options(runtime, { segmentBytes: 10, random: () => 0.5, retryMaxMs: 1_000 }),
      runtime: counted,
    });
    for (let n = 0; n < segments; n++) pipeline.append("obj_create", objectRequest(`o${n}`));
    await world.clock.elapse(10_000);
    const { replace: before = 0 } = counts;
    await world.clock.elapse(60_000);
    assert.equal(world.names().filter((name) => name.endsWith(".jsonl")).length, segments);
    cost.push({ replaced: counts.replace - before, timers: world.clock.pending });
    runtime.exit();
  }
  assert.deepEqual(cost[1], cost[0]);
  assert.ok(cost[0].replaced <= 31, "one file, every two seconds");
});
