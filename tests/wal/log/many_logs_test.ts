import assert from "node:assert/strict";
import process from "node:process";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import { formatStem } from "../../../src/wal/segment/segment_name.ts";
import { test } from "../../harness.ts";
import { LogWorld } from "../../support/wal/wal_fixture.ts";

const LOGS = 40;

function worldOfManyLogs(): LogWorld {
  const world = new LogWorld();
  for (let log = 0; log < LOGS; log++) {
    const writer = log.toString(16).padStart(32, "a");
    const obj = { project_id: "team/project", object_id: `o${log}`, val: {} };
    const line = JSON.stringify({ type: "obj_create", req: { obj } });
    world.put(`${line}\n`, formatStem(BigInt(log), writer).stem);
  }
  return world;
}

test("many logs: the logs of forty processes are sent by one process, without warnings", async () => {
  const warnings: string[] = [];
  const listen = (warning: Error) => void warnings.push(String(warning));
  process.on("warning", listen);
  try {
    const world = worldOfManyLogs();
    const down = { status: 503, body: {} };
    let answers = 0;
    world.server.refuse = () => ++answers < 3 ? down : null;
    const runtime = world.process();
    const pipeline = openPipeline(world.options(runtime));
    const done = pipeline.finish();
    for (let round = 0; round < 10; round++) await world.clock.elapse(10);
    assert.equal((await done).delivered, LOGS);
    assert.deepEqual(world.names(), []);
    // Warnings are emitted in a later turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.deepEqual(warnings, []);
    runtime.exit();
  } finally {
    process.off("warning", listen);
  }
});

test("many logs: a sender that stops before the server answers releases all of them", async () => {
  const world = worldOfManyLogs();
  world.server.refuse = () => ({ status: 503, body: {} });
  const runtime = world.process();
  const pipeline = openPipeline(world.options(runtime, { random: () => 0.5 }));
  const stopping = pipeline.finish({ timeout: 50 });
  await world.clock.elapse(60);
  assert.equal((await stopping).pendingRecords, LOGS);
  assert.equal(world.names().filter((name) => name.includes(".claim.")).length, 0);
  runtime.exit();
  world.server.refuse = () => null;
  assert.equal((await world.recover()).delivered, LOGS);
});
