import assert from "node:assert/strict";
import { openStrictPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { StrictPipeline } from "../../../src/client/pipeline/pipeline.ts";
import type { WriteRecord } from "../../../src/wal/log/record_log.ts";
import { test } from "../../harness.ts";
import { LogWorld } from "../../support/wal/wal_fixture.ts";

const record = (name: string): WriteRecord => [
  "obj_create",
  JSON.stringify({ obj: { project_id: "team/project", object_id: name, val: {} } }),
];
const records = (...names: string[]): WriteRecord[] => names.map(record);
const hasCode = (code: string) => (error: unknown) => (error as { code?: string }).code === code;

/** Names of the objects that the server received. */
const arrived = ({ server }: LogWorld): unknown[] =>
  server.taken.map(({ value }) => (value.obj as { object_id: string }).object_id);

async function noneWaits(pipeline: StrictPipeline): Promise<void> {
  const { done, pendingRecords } = await pipeline.finish({ timeout: 5_000 });
  assert.deepEqual({ done, pendingRecords }, { done: true, pendingRecords: 0 });
}

test("a strict pipeline writes the records of one append with one write call", async () => {
  const world = new LogWorld();
  const runtime = world.process();
  let writes = 0;
  runtime.fault = ({ kind, path }) => {
    if (kind === "write" && path.endsWith(".jsonl")) writes++;
    return undefined;
  };
  const pipeline = openStrictPipeline(world.options(runtime, { sender: true }));
  pipeline.appendAll(records("a", "b", "c"));
  assert.equal(writes, 1);
  assert.equal((await pipeline.stats()).appended, 3);
  await noneWaits(pipeline);
  assert.deepEqual(arrived(world), ["a", "b", "c"]);
});

test("a record that the disk does not store completely is refused, and not sent", async () => {
  const world = new LogWorld();
  const runtime = world.process();
  const pipeline = openStrictPipeline(world.options(runtime, { sender: true }));
  pipeline.appendAll(records("a"));
  runtime.fault = ({ kind }) => kind === "write" ? { code: "ENOSPC", written: 100 } : undefined;
  assert.throws(() => pipeline.appendAll(records("b", "c")), hasCode("ENOSPC"));
  runtime.fault = undefined;
  pipeline.appendAll(records("d", "e"));
  const { log, appended, dropped } = await pipeline.stats();
  assert.deepEqual({ log, appended }, { log: "file", appended: 3 });
  assert.deepEqual(Object.values(dropped).filter((count) => count > 0), []);
  await noneWaits(pipeline);
  assert.deepEqual(arrived(world), ["a", "d", "e"]);
});

test("records over the quota are refused together", async () => {
  const world = new LogWorld();
  const pipeline = openStrictPipeline(
    world.options(world.process(), { sender: false, maxDiskBytes: 1_000 }),
  );
  const long = "x".repeat(300);
  pipeline.appendAll(records(long));
  assert.throws(() => pipeline.appendAll(records(long, long)), hasCode("ERR_LOG_FULL"));
  const { pendingRecords, dropped } = await pipeline.stats();
  assert.equal(pendingRecords, 1);
  assert.equal(dropped["quota-new"], 0, "who was refused knows it: nothing is lost");
  await pipeline.finish();
});

test("a finished strict pipeline refuses records", async () => {
  const world = new LogWorld();
  const pipeline = openStrictPipeline(world.options(world.process(), { sender: true }));
  await pipeline.finish();
  assert.throws(() => pipeline.appendAll(records("late")), hasCode("ERR_LOG_CLOSED"));
});

test("a pipeline without recovery does not send orphaned segments of other projects", async () => {
  const world = new LogWorld();
  const other = openStrictPipeline(
    world.options(world.process(), { sender: false, project: "other" }),
  );
  other.appendAll(records("theirs"));
  await other.finish();
  const pipeline = openStrictPipeline(
    world.options(world.process(), { sender: true, recovers: false }),
  );
  pipeline.appendAll(records("ours"));
  await world.clock.elapse(20_000);
  assert.deepEqual(arrived(world), ["ours"]);
  await noneWaits(pipeline);
});
