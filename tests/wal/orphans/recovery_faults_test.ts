import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import { sharedLeasePrefix } from "../../../src/wal/segment/segment_name.ts";
import { test } from "../../harness.ts";
import { LogWorld, PROJECT, WAL, WRITER } from "../../support/wal/wal_fixture.ts";

/** Result of `work` while virtual time passes. */
async function inTime<Result>(world: LogWorld, work: Promise<Result>): Promise<Result> {
  let over = false;
  void work.finally(() => over = true);
  while (!over) await world.clock.elapse(50);
  return await work;
}

/** Segments with one object each, from a writer without a lock. */
function orphans(world: LogWorld, count: number): string[] {
  return Array.from({ length: count }, (_, n) => {
    const stem = `${String(n + 1).padStart(20, "0")}_${WRITER}`;
    const obj = { project_id: "team/project", object_id: `n${n}`, val: {} };
    world.put(`${JSON.stringify({ type: "obj_create", req: { obj } })}\n`, stem);
    return stem;
  });
}

function arrived(world: LogWorld): string[] {
  return world.server.taken.map(({ value }) => (value.obj as { object_id: string }).object_id);
}

for (const code of ["EACCES", "EBUSY", "EPERM"]) {
  test(`recovery: a segment that cannot be removed (${code}) is not sent again`, async () => {
    const world = new LogWorld();
    const stems = orphans(world, 5);
    const runtime = world.process();
    let fails = true;
    runtime.fault = ({ kind, path }) =>
      fails && kind === "remove" && path === `${PROJECT}/${stems[1]}.jsonl` ? { code } : undefined;
    const pipeline = openPipeline(world.options(runtime));
    await world.clock.elapse(90_000);
    assert.deepEqual(arrived(world).sort(), ["n0", "n1", "n2", "n3", "n4"]);
    fails = false;
    await pipeline.finish();
    assert.deepEqual(world.names(), []);
  });
}

test("recovery: flush() does not complete while a segment cannot be opened", async () => {
  const world = new LogWorld();
  const stems = orphans(world, 3);
  const runtime = world.process();
  world.disk.put(`${PROJECT}/${stems[1]}.deadletter`, "");
  let fails = true;
  runtime.fault = ({ kind, path }) =>
    fails && kind === "read" && path.endsWith(".deadletter") ? { code: "EACCES" } : undefined;
  const pipeline = openPipeline(world.options(runtime));
  const result = pipeline.flush({ timeout: 5_000 });
  await world.clock.elapse(6_000);
  const { done, pendingRecords, reason } = await result;
  assert.deepEqual({ done, pendingRecords, reason }, {
    done: false,
    pendingRecords: 1,
    reason: "timeout",
  });
  fails = false;
  await world.clock.elapse(6_000);
  assert.equal((await pipeline.finish()).done, true);
});

test("recovery: flush() does not complete if no lease can be acquired", async () => {
  const world = new LogWorld();
  orphans(world, 3);
  world.disk.put(`${PROJECT}/.recovery`, "a file of the user");
  const pipeline = openPipeline(world.options(world.process()));
  const result = pipeline.finish({ timeout: 5_000 });
  await world.clock.elapse(6_000);
  const { done, pendingRecords, reason } = await result;
  assert.deepEqual({ done, pendingRecords, reason }, {
    done: false,
    pendingRecords: 3,
    reason: "timeout",
  });
});

test("recovery: a directory at the path of a lease is skipped", async () => {
  const world = new LogWorld();
  orphans(world, 3);
  const runtime = world.process();
  runtime.files.makeDirectory(`${sharedLeasePrefix(PROJECT)}7`);
  await world.recoverFor(60_000);
  assert.deepEqual(arrived(world), ["n0", "n1", "n2"]);
  const left = runtime.files.list(`${PROJECT}/.recovery`).map(({ name }) => name);
  assert.equal(left.length, 1);
  assert.ok(left[0].endsWith(".7"));
});

for (const times of [1, 2]) {
  test(`recovery: a lease directory that others remove ${times} times is created again`, async () => {
    const world = new LogWorld();
    orphans(world, 3);
    const runtime = world.process();
    const other = world.process();
    let left = times;
    runtime.fault = ({ kind, path }) => {
      if (kind === "create" && path.startsWith(sharedLeasePrefix(PROJECT)) && left-- > 0) {
        other.files.removeDirectory(`${PROJECT}/.recovery`);
      }
      return undefined;
    };
    const pipeline = openPipeline(world.options(runtime));
    await world.clock.elapse(5_000);
    assert.deepEqual(arrived(world), ["n0", "n1", "n2"]);
    const { done } = await pipeline.finish();
    assert.equal(done, true);
    const errors = (await pipeline.stats()).lastError;
    assert.equal(errors === null, times === 1, "one removal is not an error");
  });
}

test("recovery: a process that creates its first segment and dies during a sweep is kept", async () => {
  const world = new LogWorld();
  orphans(world, 1);
  const dying = world.process();
  const late = openPipeline(world.options(dying, { sender: false }));
  const runtime = world.process();
  let sweeps = 0;
  runtime.fault = ({ kind, path }) => {
    if (kind === "list" && path === `${WAL}/.processes` && sweeps++ === 0) {
      const obj = { project_id: "team/project", object_id: "late", val: {} };
      late.append("obj_create", JSON.stringify({ obj }));
      queueMicrotask(() => dying.kill());
    }
    return undefined;
  };
  const pipeline = openPipeline(world.options(runtime));
  await world.clock.elapse(6_000);
  assert.ok(sweeps > 0);
  assert.deepEqual(arrived(world), ["n0", "late"], "it need not be watched first");
  await pipeline.finish();
  assert.deepEqual(world.names(), []);
});

test("recovery: pending records are counted once, whatever happens to them during the count", async () => {
  const world = new LogWorld();
  orphans(world, 30);
  const fetch = () => Promise.reject(new TypeError("Connection refused"));
  const pipeline = openPipeline(
    world.options(world.process(), { fetch, random: () => 0.5, retryMaxMs: 500 }),
  );
  await world.clock.elapse(10);
  const counts = new Set<number>();
  for (let n = 0; n < 60; n++) {
    counts.add((await inTime(world, pipeline.stats())).pendingRecords);
    await world.clock.elapse(n === 30 ? 40_000 : 97);
  }
  assert.deepEqual([...counts], [30]);
});

test("recovery: a second finish() and a flush() after it report the remaining records", async () => {
  for (const own of [0, 2]) {
    const world = new LogWorld();
    orphans(world, 3);
    const fetch = () => Promise.reject(new TypeError("Connection refused"));
    const pipeline = openPipeline(world.options(world.process(), { fetch, random: () => 0.5 }));
    const obj = { project_id: "team/project", object_id: "own", val: {} };
    for (let n = 0; n < own; n++) pipeline.append("obj_create", JSON.stringify({ obj }));
    const first = pipeline.finish({ timeout: 5_000 });
    const second = pipeline.finish({ timeout: 1_000 });
    const results = [];
    for (const work of [second, first]) results.push(await inTime(world, work));
    results.push(await inTime(world, pipeline.finish()), await inTime(world, pipeline.flush()));
    assert.deepEqual(
      results.map(({ done, pendingRecords, reason }) => [done, pendingRecords, reason]),
      [
        [false, 3 + own, "timeout"],
        [false, 3 + own, "timeout"],
        [false, 3 + own, "aborted"],
        [false, 3 + own, "aborted"],
      ],
    );
  }
});
