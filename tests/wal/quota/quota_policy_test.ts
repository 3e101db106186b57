import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { countOperations } from "../../support/count_operations.ts";
import { test } from "../../harness.ts";
import { LogWorld, onDisk } from "../../support/wal/wal_fixture.ts";
import { putOrphans } from "../../support/wal/writer_fixture.ts";

/** A directory that an earlier program filled to its quota while the server was down. */
async function filled(maxDiskBytes: number): Promise<{ world: LogWorld; left: number }> {
  const world = new LogWorld();
  const runtime = world.process();
  const pipeline = openPipeline(world.options(runtime, {
    sender: false,
    segmentBytes: 2_000,
    maxDiskBytes,
  }));
  for (let n = 0; n < 500; n++) append(pipeline, `old${n}`);
  const { appended, dropped } = await pipeline.stats();
  assert.equal(appended + dropped["quota-new"], 500);
  assert.ok(dropped["quota-new"] > 0);
  assert.ok(onDisk(runtime) <= maxDiskBytes);
  await pipeline.finish();
  runtime.exit();
  return { world, left: appended };
}

function append(pipeline: ReturnType<typeof openPipeline>, object_id: string): void {
  const obj = { project_id: "team/project", object_id, val: {} };
  pipeline.append("obj_create", JSON.stringify({ obj }));
}

/** Opens the next program there, while the server is still down. */
function openNext(world: LogWorld, changes: Partial<PipelineOptions>) {
  const runtime = world.process();
  let isAway = true;
  const pipeline = openPipeline(world.options(runtime, {
    fetch: (url, init) =>
      isAway ? Promise.reject(new TypeError("Away")) : world.server.fetch(url, init),
    random: () => 0.5,
    retryMaxMs: 1_000,
    segmentBytes: 2_000,
    ...changes,
  }));
  const finish = async () => {
    isAway = false;
    const finishing = pipeline.finish();
    await world.clock.elapse(20_000);
    const result = await finishing;
    runtime.exit();
    await world.recoverFor(15_000);
    const ids = world.server.taken.map(({ value }) =>
      (value.obj as { object_id: string }).object_id
    );
    return { result, ids };
  };
  return { runtime, pipeline, finish };
}

test("disk quota: an initially full directory rejects new records under drop-new, and is sent", async () => {
  const { world, left } = await filled(20_000);
  const { runtime, pipeline, finish } = openNext(world, { maxDiskBytes: 20_000 });
  const used = onDisk(runtime);
  assert.equal((await pipeline.stats()).disk!.usedBytes, used, "counted before the first record");
  await world.clock.elapse(3_000);
  for (let n = 0; n < 50; n++) append(pipeline, `new${n}`);
  const { appended, dropped, pendingRecords } = await pipeline.stats();
  assert.equal(appended + dropped["quota-new"], 50);
  assert.ok(dropped["quota-new"] >= 40, `${dropped["quota-new"]} dropped`);
  // The sender must be able to create its lease, or nothing would ever be delivered.
  assert.ok(onDisk(runtime) <= 20_000 + 500, `${onDisk(runtime)} bytes`);
  assert.ok(pendingRecords <= left + appended);
  const { ids } = await finish();
  assert.equal(new Set(ids.filter((id) => id.startsWith("old"))).size, left);
  assert.equal(ids.filter((id) => id.startsWith("new")).length, appended);
});

test("disk quota: an initially full directory drops its oldest segments under drop-oldest", async () => {
  const { world, left } = await filled(20_000);
  const { runtime, pipeline, finish } = openNext(world, {
    maxDiskBytes: 20_000,
    quotaPolicy: "drop-oldest",
  });
  await world.clock.elapse(3_000);
  for (let n = 0; n < 200; n++) {
    append(pipeline, `new${n}`);
    await world.clock.elapse(10);
    assert.ok(onDisk(runtime) <= 20_000, `${onDisk(runtime)} bytes`);
  }
  const { appended, dropped } = await pipeline.stats();
  assert.equal(appended + dropped["quota-new"], 200);
  assert.ok(dropped["quota-new"] <= 1, `${dropped["quota-new"]} new ones dropped`);
  assert.ok(dropped["quota-oldest"] > 0);
  const { ids } = await finish();
  const arrived = new Set(ids);
  assert.equal(arrived.size, left + appended - dropped["quota-oldest"], "each is counted");
  assert.ok(arrived.has("new199") && !arrived.has("old0"), "the oldest went, the newest stayed");
});

for (const [when, isHeld] of [["drained", false], ["not drained", true]] as const) {
  test(`disk quota: of orphaned segments that are ${when}, only as many are dropped as necessary`, async () => {
    const { world, left } = await filled(20_000);
    // A server that rejects the key gets no requests for a while, and the lease is
    // released.
    world.server.refuse = () => isHeld ? { status: 401, body: {} } : null;
    const { runtime, pipeline, finish } = openNext(world, {
      maxDiskBytes: 20_000,
      quotaPolicy: "drop-oldest",
      ...(isHeld ? { fetch: world.server.fetch, retryMaxMs: 60_000 } : {}),
    });
    await world.clock.elapse(3_000);
    const before = onDisk(runtime);
    for (let n = 0; n < 20; n++) {
      append(pipeline, `new${n}`);
      await world.clock.elapse(100);
    }
    const { appended, dropped } = await pipeline.stats();
    assert.equal(appended + dropped["quota-new"], 20);
    const removed = dropped["quota-oldest"];
    assert.ok(
      removed > 0 && removed < left * 0.4,
      `${removed} of ${left} dropped, ${before} bytes before`,
    );
    world.server.refuse = () => null;
    const { ids } = await finish();
    const expected = left + appended - removed;
    assert.equal(new Set(ids).size, expected, "each is counted, none is given up twice");
    assert.ok(!ids.includes("old0") && ids.includes(`old${left - 1}`) && ids.includes("new19"));
  });
}

test("disk quota: a process without a sender also drops the oldest segments, its own and others', and counts them", async () => {
  const { world, left } = await filled(20_000);
  const runtime = world.process();
  const pipeline = openPipeline(world.options(runtime, {
    sender: false,
    segmentBytes: 2_000,
    maxDiskBytes: 20_000,
    quotaPolicy: "drop-oldest",
  }));
  let names = 0;
  for (let n = 0; n < 400; n++) {
    append(pipeline, `new${n}`);
    await world.clock.elapse(10);
    assert.ok(onDisk(runtime) <= 20_000 + 500, `${onDisk(runtime)} bytes`);
    names = Math.max(names, world.names().filter((name) => name.endsWith(".jsonl")).length);
  }
  assert.ok(names <= 15, `${names} files`);
  const { appended, dropped } = await pipeline.stats();
  assert.ok(dropped["quota-new"] <= 1, `${dropped["quota-new"]} new ones dropped`);
  assert.ok(dropped["quota-oldest"] > left, "its own are among them");
  await pipeline.finish();
  runtime.exit();
  await world.recoverFor(5_000);
  const ids = world.server.taken.map(({ value }) => (value.obj as { object_id: string }).object_id);
  assert.equal(new Set(ids).size, left + appended - dropped["quota-oldest"], "each is counted");
  assert.ok(ids.includes("new399") && !ids.includes("new0"));
  assert.deepEqual(world.names(), []);
});

test("disk quota: a file that a sender drains is not dropped by a process that only writes", async () => {
  const { world, left } = await filled(20_000);
  const { pipeline: sender, finish } = openNext(world, { maxDiskBytes: 1e9 });
  await world.clock.elapse(3_000);
  const runtime = world.process();
  const writer = openPipeline(world.options(runtime, {
    sender: false,
    segmentBytes: 2_000,
    maxDiskBytes: 20_000,
    quotaPolicy: "drop-oldest",
  }));
  for (let n = 0; n < 20; n++) {
    append(writer, `new${n}`);
    await world.clock.elapse(100);
  }
  const { appended, dropped } = await writer.stats();
  assert.equal(appended + dropped["quota-new"], 20);
  await writer.finish();
  runtime.exit();
  assert.equal((await sender.stats()).dropped["quota-oldest"], 0);
  const { ids } = await finish();
  assert.equal(new Set(ids).size, left + appended - dropped["quota-oldest"]);
  assert.ok(ids.includes("old0"), "what was held is sent");
});

/** Drops the oldest of `segments` orphaned segments; returns the operations for each of all. */
async function operationsToDrop(segments: number): Promise<number> {
  const world = new LogWorld();
  putOrphans(world, segments, segments, (n) => [`old${n}`]);
  const runtime = world.process();
  const files = countOperations(runtime.files);
  const before = onDisk(runtime);
  const pipeline = openPipeline({
    ...world.options(runtime, {
      sender: false,
      maxDiskBytes: Math.floor(before / 0.95),
      quotaPolicy: "drop-oldest",
    }),
    runtime: { ...runtime, files },
  });
  await world.clock.elapse(1_000);
  append(pipeline, "new");
  await world.clock.elapse(30_000);
  const { dropped } = await pipeline.stats();
  const expected = segments * (1 - 0.8 / 0.95);
  assert.ok(Math.abs(dropped["quota-oldest"] - expected) < 0.02 * segments, `${expected}`);
  const operations = Object.values(files.counts).reduce((sum, count) => sum + count, 0);
  await pipeline.finish();
  runtime.exit();
  return operations / segments;
}

test("disk quota: dropping the oldest of many segments takes operations in proportion to them", async () => {
  const [few, many] = [await operationsToDrop(200), await operationsToDrop(800)];
  assert.ok(many <= few * 1.1, `${many} operations a segment instead of ${few}`);
});

/** Drops own segments while the server is unreachable; returns the operations for each of them. */
async function operationsToDropOwn(segments: number): Promise<number> {
  const world = new LogWorld();
  const runtime = world.process();
  const files = countOperations(runtime.files);
  const pipeline = openPipeline({
    ...world.options(runtime, {
      fetch: () => Promise.reject(new TypeError("Away")),
      random: () => 0.5,
      retryMaxMs: 1_000,
      segmentBytes: 100,
      maxDiskBytes: segments * 100,
      quotaPolicy: "drop-oldest",
    }),
    runtime: { ...runtime, files },
  });
  for (let n = 0; n < segments * 3; n++) {
    append(pipeline, `new${n}`);
    await world.clock.elapse(10);
  }
  const { dropped } = await pipeline.stats();
  assert.ok(dropped["quota-oldest"] > segments, `${dropped["quota-oldest"]} dropped`);
  const operations = Object.values(files.counts).reduce((sum, count) => sum + count, 0);
  runtime.exit();
  return operations / dropped["quota-oldest"];
}

test("disk quota: dropping own segments takes operations in proportion to them", async () => {
  const [few, many] = [await operationsToDropOwn(50), await operationsToDropOwn(200)];
  assert.ok(many <= few * 1.1, `${many} operations a segment instead of ${few}`);
});
