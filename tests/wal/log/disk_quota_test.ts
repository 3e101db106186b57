import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { DiskQuota, RECOUNT_MS } from "../../../src/wal/log/disk_quota.ts";
import { test } from "../../harness.ts";
import { lineOf, LogFixture } from "../../support/wal/log_fixture.ts";
import { LogWorld, PROJECT, STEM } from "../../support/wal/wal_fixture.ts";

const FULL = { code: "ERR_LOG_FULL" };

/** Bytes of all files of the project, as the disk has them. */
function onDisk(runtime: MemoryRuntime): number {
  const { fault } = runtime;
  runtime.fault = undefined;
  const { files } = runtime;
  let sum = 0;
  for (const { name, kind } of files.list(PROJECT)) {
    if (kind === "file") sum += files.stat(`${PROJECT}/${name}`)!.size;
  }
  runtime.fault = fault;
  return sum;
}

function quotaOf(runtime: MemoryRuntime, maxBytes: number): DiskQuota {
  const { files, clock } = runtime;
  return new DiskQuota({ files, clock, directory: PROJECT, maxBytes });
}

/** A quota that has counted what is there. */
async function countedQuota(runtime: MemoryRuntime, maxBytes: number): Promise<DiskQuota> {
  const quota = quotaOf(runtime, maxBytes);
  await quota.recount();
  return quota;
}

test("disk quota: a count covers every file in the directory, and nothing else", async () => {
  const runtime = new MemoryRuntime();
  const quota = quotaOf(runtime, 1_000);
  await quota.recount();
  assert.equal(quota.used, 0, "a directory that does not exist takes nothing");
  const sizes = { jsonl: 300, deadletter: 70, quarantine: 50, owner: 20, checkpoint: 3, lock: 2 };
  for (const [suffix, size] of Object.entries(sizes)) {
    runtime.disk.put(`${PROJECT}/${STEM}.${suffix}`, "x".repeat(size));
  }
  runtime.disk.put(`${PROJECT}/notes.txt`, "x".repeat(7));
  runtime.disk.put(`${PROJECT}/folder/file`, "x".repeat(400));
  runtime.disk.put("/elsewhere", "x".repeat(400));
  runtime.disk.symlink("/elsewhere", `${PROJECT}/link`);
  assert.equal((await countedQuota(runtime, 1_000)).used, 300 + 70 + 50 + 20 + 3 + 2 + 7);
});

test("disk quota: who asks waits for a count of a few files, and not for one of thousands", async () => {
  const world = new LogWorld();
  const runtime = world.process();
  world.disk.put(`${PROJECT}/first`, "x");
  const quota = await countedQuota(runtime, 1e9);
  world.disk.put(`${PROJECT}/second`, "x");
  await quota.refresh();
  assert.equal(quota.used, 2);
  for (let n = 0; n < 3_000; n++) world.disk.put(`${PROJECT}/${n}`, "x");
  await quota.recount();
  let looks = 0;
  runtime.fault = ({ kind }) => void (looks += kind === "stat" ? 1 : 0);
  world.disk.put(`${PROJECT}/last`, "x");
  await quota.refresh();
  assert.deepEqual([quota.used, looks], [3_002, 0], "counted a moment ago");
  await world.clock.elapse(RECOUNT_MS);
  await quota.refresh();
  await quota.refresh();
  await world.clock.elapse(1);
  assert.deepEqual([quota.used, looks], [3_003, 3_003], "counted once, in the background");
});

test("disk quota: appends are counted to the byte, sidecars and other processes by the next count", async () => {
  const runtime = new MemoryRuntime();
  runtime.disk.put(`${PROJECT}/${STEM}.deadletter`, "x".repeat(123));
  const quota = await countedQuota(runtime, 1e9);
  const fixture = new LogFixture({ quota, sender: false }, runtime);
  let lines = 0;
  for (const name of ["a", "é漢😀", "\ud800", "x".repeat(500), "next", "b", "next", "c"]) {
    if (name === "next") fixture.log.rotate();
    fixture.append(name);
    lines += new TextEncoder().encode(lineOf(name)).length;
    assert.equal(quota.used, 123 + lines, name);
  }
  fixture.fault = ({ kind }) => kind === "write" ? { code: "ENOSPC", written: 9 } : undefined;
  assert.throws(() => fixture.append("lost"), { code: "ENOSPC" });
  assert.equal(quota.used, 123 + lines, "what was taken back does not count");
  fixture.fault = () => undefined;
  await quota.recount();
  assert.equal(quota.used, onDisk(runtime));
});

test("disk quota: what is appended during a count is counted once", async () => {
  const runtime = new MemoryRuntime();
  runtime.disk.put(`${PROJECT}/${STEM}.jsonl`, "x".repeat(100));
  const quota = quotaOf(runtime, 1e9);
  quota.add(7);
  const counting = quota.recount();
  quota.add(5);
  await counting;
  assert.equal(quota.used, 100 + 5, "what was there before is among the bytes that were found");
});

test("disk quota: the last byte may be used, one more may not", async () => {
  for (const name of ["a", "é漢😀".repeat(9)]) {
    const runtime = new MemoryRuntime();
    const fixture = new LogFixture({ sender: false, quota: quotaOf(runtime, 1e9) }, runtime);
    fixture.append("first");
    const used = onDisk(runtime);
    const bytes = new TextEncoder().encode(lineOf(name)).length;
    (await countedQuota(runtime, used + bytes)).admit(lineOf(name));
    const quota = await countedQuota(runtime, used + bytes - 1);
    assert.throws(() => quota.admit(lineOf(name)), FULL);
  }
});

test("disk quota: what others removed makes room, a second later at most", async () => {
  const runtime = new MemoryRuntime();
  runtime.disk.put(`${PROJECT}/${STEM}.jsonl`, "x".repeat(1_000));
  const quota = await countedQuota(runtime, 1_000);
  assert.throws(() => quota.admit("y"), FULL);
  runtime.files.remove(`${PROJECT}/${STEM}.jsonl`);
  let lists = 0;
  runtime.fault = ({ kind }) => void (lists += kind === "list" ? 1 : 0);
  for (let n = 0; n < 100; n++) assert.throws(() => quota.admit("y"), FULL);
  assert.equal(lists, 0, "the disk is not asked for every record");
  runtime.time.advance(RECOUNT_MS);
  assert.throws(() => quota.admit("y"), FULL, "this one begins a count in the background");
  await quota.recount();
  assert.equal(lists, 2, "the count in progress, and the one that was asked for");
  quota.admit("y");
  assert.equal(quota.used, 0);
});

test("disk quota: a file that goes while it is counted takes nothing, a failing disk ends no program", async () => {
  const runtime = new MemoryRuntime();
  for (const name of ["a", "b"]) runtime.disk.put(`${PROJECT}/${name}`, "x".repeat(10));
  const quota = quotaOf(runtime, 1_000);
  runtime.fault = ({ kind, path }) => {
    if (kind === "stat" && path.endsWith("/b")) runtime.files.remove(path);
    return undefined;
  };
  await quota.recount();
  assert.equal(quota.used, 10);
  runtime.fault = ({ kind }) => kind === "list" ? { code: "EIO" } : undefined;
  await quota.recount();
});

/** A directory that an earlier program filled to its quota while the server was away. */
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

/** Opens the next program there, while the server is still away. */
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

test("disk quota: a full directory at the start takes nothing new under drop-new, and is sent", async () => {
  const { world, left } = await filled(20_000);
  const { runtime, pipeline, finish } = openNext(world, { maxDiskBytes: 20_000 });
  const used = onDisk(runtime);
  assert.equal((await pipeline.stats()).disk!.usedBytes, used, "counted before the first record");
  await world.clock.elapse(3_000);
  for (let n = 0; n < 50; n++) append(pipeline, `new${n}`);
  const { appended, dropped, pendingRecords } = await pipeline.stats();
  assert.equal(appended + dropped["quota-new"], 50);
  assert.ok(dropped["quota-new"] >= 40, `${dropped["quota-new"]} dropped`);
  // The lease of the sender has to be made, or nothing would ever get away.
  assert.ok(onDisk(runtime) <= 20_000 + 500, `${onDisk(runtime)} bytes`);
  assert.ok(pendingRecords <= left + appended);
  const { ids } = await finish();
  assert.equal(new Set(ids.filter((id) => id.startsWith("old"))).size, left);
  assert.equal(ids.filter((id) => id.startsWith("new")).length, appended);
});

test("disk quota: a full directory at the start drops its oldest under drop-oldest", async () => {
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
  test(`disk quota: of orphaned segments that are ${when} only as many are dropped as necessary`, async () => {
    const { world, left } = await filled(20_000);
    // A server that rejects the key gets no requests for a while, and the lease is released.
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

test("disk quota: a process that only writes drops the oldest too, its own and others', and counts them", async () => {
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
