import assert from "node:assert/strict";
import { openPipeline } from "../../src/client/pipeline/create_pipeline.ts";
import { MemoryRuntime } from "../support/simulated_runtime/memory.ts";
import { test } from "../harness.ts";
import { LogWorld } from "../support/wal/wal_fixture.ts";

test("stop: a sender that is stopped while storing the last dead letter ends", async () => {
  const world = new LogWorld();
  world.server.refuse = (path) => path === "/obj/create" ? { status: 422, body: {} } : null;
  const held: (() => void)[] = [];
  let holding = false;
  const { disk, host, clock } = world;
  const runtime = new MemoryRuntime({
    disk,
    host,
    clock,
    schedule: (run) => holding ? void held.push(run) : queueMicrotask(run),
  });
  runtime.fault = ({ kind, path }) => {
    if (kind === "sync" && path.endsWith(".deadletter")) {
      holding = true;
    }
    return undefined;
  };
  const pipeline = openPipeline(world.options(runtime, { fsync: "never" }));
  const obj = { project_id: "team/project", object_id: "o", val: {} };
  pipeline.append("obj_create", JSON.stringify({ obj }));
  for (let ms = 0; !holding && ms < 1_000; ms += 10) await clock.elapse(10);
  assert.ok(holding, "the dead letter is on its way to the disk");
  // The timeout has expired before the wait begins: the sender is stopped without
  // sending.
  const finished = pipeline.finish({ signal: AbortSignal.abort() });
  await clock.elapse(10);
  holding = false;
  for (const run of held) run();
  await clock.elapse(10);
  const { done } = await finished;
  assert.equal(done, false);
  assert.deepEqual(world.names().filter((name) => name.endsWith(".deadletter")).length, 1);
  runtime.exit();
});
