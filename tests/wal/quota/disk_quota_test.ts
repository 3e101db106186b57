import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { DiskQuota, RECOUNT_MS, RELAXED_RECOUNT_MS } from "../../../src/wal/quota/disk_quota.ts";
import { test } from "../../harness.ts";
import { lineOf, LogFixture } from "../../support/wal/log_fixture.ts";
import { LogWorld, onDisk, PROJECT, STEM } from "../../support/wal/wal_fixture.ts";

const FULL = { code: "ERR_LOG_FULL" };

function quotaOf(runtime: MemoryRuntime, maxBytes: number): DiskQuota {
  const { files, clock } = runtime;
  return new DiskQuota({ files, clock, directory: PROJECT, maxBytes });
}

/** A quota that has completed its initial count. */
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

test("disk quota: a query waits for the count of a few files, but not of thousands", async () => {
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

test("disk quota: appends are counted exactly, sidecars and other processes by the next count", async () => {
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

test("disk quota: records appended during a count are counted once", async () => {
  const runtime = new MemoryRuntime();
  runtime.disk.put(`${PROJECT}/${STEM}.jsonl`, "x".repeat(100));
  const quota = quotaOf(runtime, 1e9);
  quota.add(7);
  const counting = quota.recount();
  quota.add(5);
  await counting;
  assert.equal(quota.used, 100 + 5, "what was there before is among the bytes that were found");
});

test("disk quota: the limit is inclusive", async () => {
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

test("disk quota: space freed by other processes is usable within a second", async () => {
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

test("disk quota: far from the limit, removed files cause no counts, and others' files are counted within a minute", async () => {
  const runtime = new MemoryRuntime();
  for (let n = 0; n < 100; n++) runtime.disk.put(`${PROJECT}/${n}`, "x");
  const quota = await countedQuota(runtime, 1_000);
  let looks = 0;
  runtime.fault = ({ kind }) => void (looks += kind === "stat" ? 1 : 0);
  for (let n = 0; n < 50; n++) {
    runtime.files.remove(`${PROJECT}/${n}`);
    quota.remove(1);
    quota.recountSoon();
    runtime.time.advance(RECOUNT_MS);
  }
  assert.deepEqual([quota.used, looks], [50, 0]);
  runtime.disk.put(`${PROJECT}/of another process`, "x".repeat(800));
  runtime.time.advance(RELAXED_RECOUNT_MS - 50 * RECOUNT_MS);
  quota.recountSoon();
  await quota.recount();
  assert.deepEqual([quota.used, looks], [850, 2 * 51], "counted, and once more on request");
  runtime.time.advance(RECOUNT_MS);
  quota.recountSoon();
  await quota.recount();
  assert.equal(looks, 4 * 51, "near the limit it is counted every second");
});

test("disk quota: a file removed during a count is ignored, and a failing disk ends no program", async () => {
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
