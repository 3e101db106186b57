import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { test } from "../../harness.ts";
import { seeded } from "../../support/kill/kill_records.ts";
import { lineOf, LogFixture } from "../../support/wal/log_fixture.ts";
import { PROJECT } from "../../support/wal/wal_fixture.ts";

/** Waits until all chains of promises that need nothing external have completed. */
const settle = () => new Promise<void>((resolve) => void setTimeout(resolve, 0));

const PARENTS = ["/", "/work", "/work/.weave", "/work/.weave/wal", "/work/.weave/wal/team"];

test("data sync: under interval a burst is synced once, one interval after its first record", async () => {
  const fixture = new LogFixture({ fsyncIntervalMs: 500 });
  fixture.append("a");
  await fixture.runtime.time.elapse(400);
  for (let n = 0; n < 10; n++) fixture.append(String(n));
  await fixture.runtime.time.elapse(99);
  assert.deepEqual(fixture.took("sync"), []);
  await fixture.runtime.time.elapse(1);
  assert.deepEqual(fixture.took("sync"), ["sync .jsonl"], "no further record was needed");
  await fixture.runtime.time.elapse(10_000);
  assert.deepEqual(fixture.took("sync"), [], "and nothing is synced twice");
});

test("data sync: under interval a full batch of records triggers a sync at once", async () => {
  const fixture = new LogFixture({ fsyncRecords: 64 });
  for (let n = 0; n < 63; n++) fixture.append(String(n));
  assert.deepEqual(fixture.took("sync"), []);
  fixture.append("64th");
  assert.deepEqual(fixture.took("sync"), ["sync .jsonl"]);
  await settle();
  assert.equal(fixture.runtime.time.pending, 0, "the timer is taken back");
});

test("data sync: syncs never overlap, and records appended during one are synced by the next", async () => {
  const runs: (() => void)[] = [];
  const runtime = new MemoryRuntime({ schedule: (run) => void runs.push(run) });
  const fixture = new LogFixture({ fsyncRecords: 2, fsyncIntervalMs: 500 }, runtime);
  for (let n = 0; n < 9; n++) fixture.append(String(n));
  assert.deepEqual(fixture.took("sync"), ["sync .jsonl"]);
  while (runs.length > 0) runs.shift()!();
  await settle();
  assert.deepEqual(fixture.took("sync"), []);
  fixture.runtime.time.advance(500);
  assert.deepEqual(fixture.took("sync"), ["sync .jsonl"]);
  runs.forEach((run) => run());
  await settle();
});

test("data sync: under always every record is synced before append returns", () => {
  const fixture = new LogFixture({ fsync: "always" });
  fixture.append("first");
  fixture.took("sync");
  for (let n = 0; n < 3; n++) {
    fixture.append(String(n));
    const order = fixture.operations.splice(0).filter((text) => / \.jsonl/.test(text));
    assert.deepEqual(order, ["write .jsonl", "sync .jsonl"]);
  }
});

test("data sync: under always a new file's directory is synced before append returns", () => {
  const fixture = new LogFixture({ fsync: "always", segmentBytes: 1 });
  fixture.append("a");
  assert.deepEqual(fixture.took("syncDirectory").map((text) => text.split(" ")[1]).sort(), [
    ...PARENTS,
    PROJECT,
  ]);
  fixture.append("b");
  assert.deepEqual(fixture.took("syncDirectory"), [`syncDirectory ${PROJECT}`]);
});

test("data sync: under interval new directories and new files are synced too", async () => {
  const fixture = new LogFixture({ segmentBytes: lineOf("a").length });
  fixture.append("a");
  await settle();
  const synced = fixture.operations.splice(0);
  assert.deepEqual(synced.filter((text) => text.startsWith("sync ")), ["sync .jsonl"]);
  assert.deepEqual(
    synced.filter((text) => text.startsWith("syncDirectory")).map((text) => text.split(" ")[1])
      .sort(),
    [...PARENTS, PROJECT],
  );
});

test("data sync: under never nothing is synced, not even names", async () => {
  const fixture = new LogFixture({ fsync: "never", segmentBytes: 100 });
  for (let n = 0; n < 20; n++) fixture.append(String(n));
  await fixture.runtime.time.elapse(10_000);
  fixture.log.close();
  await settle();
  assert.deepEqual(fixture.operations.filter((text) => text.startsWith("sync")), []);
});

test("data sync: rotated and closed segments are synced before their file is closed", async () => {
  const fixture = new LogFixture({ segmentBytes: lineOf("a").length });
  fixture.append("a");
  await settle();
  assert.deepEqual(fixture.took("sync"), ["sync .jsonl"]);
  fixture.append("");
  fixture.log.close();
  await fixture.log.settled();
  assert.deepEqual(fixture.took("sync"), ["sync .jsonl"]);
});

for (const fsync of ["interval", "always", "never"] as const) {
  test(`data sync: under ${fsync} records survive a machine crash once sync() has resolved`, async () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = seeded(seed);
      const fixture = new LogFixture({ fsync, segmentBytes: 200, sender: false });
      const count = 1 + Math.floor(random() * 20);
      for (let n = 0; n < count; n++) fixture.append(String(n));
      await fixture.log.sync();
      for (let n = 0; n < 3; n++) fixture.append(`later ${n}`);
      fixture.runtime.disk.crash(random);
      const after = new LogFixture({}, new MemoryRuntime({ disk: fixture.runtime.disk }));
      const text = after.texts().join("");
      for (let n = 0; n < count; n++) {
        assert.ok(text.includes(lineOf(String(n))), `seed ${seed}: record ${n} of ${count}`);
      }
    }
  });
}

test("data sync: under always every record survives a machine crash", () => {
  for (let seed = 0; seed < 100; seed++) {
    const random = seeded(seed);
    const fixture = new LogFixture({ fsync: "always", segmentBytes: 200 });
    for (let n = 0; n < 20; n++) fixture.append(String(n));
    fixture.runtime.disk.crash(random);
    const after = new LogFixture({}, new MemoryRuntime({ disk: fixture.runtime.disk }));
    const lines = Array.from({ length: 20 }, (_, n) => lineOf(String(n)));
    assert.deepEqual(after.texts().join(""), lines.join(""), `seed ${seed}`);
  }
});

test("data sync: under interval a machine crash loses only records younger than the interval", async () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = seeded(seed);
    const fixture = new LogFixture({ fsyncIntervalMs: 500, segmentBytes: 300 });
    for (let n = 0; n < 20; n++) fixture.append(String(n));
    await fixture.runtime.time.elapse(500);
    for (let n = 0; n < 20; n++) fixture.append(`later ${n}`);
    fixture.runtime.disk.crash(random);
    const after = new LogFixture({}, new MemoryRuntime({ disk: fixture.runtime.disk }));
    const text = after.texts().join("");
    for (let n = 0; n < 20; n++) assert.ok(text.includes(lineOf(String(n))), `seed ${seed}: ${n}`);
  }
});

test("data sync: records appended during a sync do not count as synced by it", async () => {
  const runs: (() => void)[] = [];
  const runtime = new MemoryRuntime({ schedule: (run) => void runs.push(run) });
  const fixture = new LogFixture({ fsyncIntervalMs: 500 }, runtime);
  fixture.append("before");
  runtime.time.advance(500);
  fixture.append("during");
  for (const run of runs.splice(0)) run();
  await settle();
  fixture.fault = ({ kind }) => kind === "sync" ? { code: "EIO" } : undefined;
  runtime.time.advance(500);
  fixture.fault = () => undefined;
  for (const run of runs.splice(0)) run();
  await settle();
  assert.deepEqual(fixture.texts(), [lineOf("before") + lineOf("during"), lineOf("during")]);
});

test("data sync: a sync that exceeds the interval is followed by the next one", async () => {
  const runs: (() => void)[] = [];
  const runtime = new MemoryRuntime({ schedule: (run) => void runs.push(run) });
  const fixture = new LogFixture({ fsyncIntervalMs: 500 }, runtime);
  fixture.append("a");
  runtime.time.advance(500);
  assert.deepEqual(fixture.took("sync"), ["sync .jsonl"]);
  fixture.append("b");
  runtime.time.advance(2_000);
  assert.deepEqual(fixture.took("sync"), [], "the first one still runs");
  for (const run of runs.splice(0)) run();
  await settle();
  runtime.time.advance(500);
  assert.deepEqual(fixture.took("sync"), ["sync .jsonl"], "no further record was needed");
});
