import assert from "node:assert/strict";
import { openPipeline } from "../../src/client/pipeline/create_pipeline.ts";
import { STALE_AFTER_MS } from "../../src/wal/processes/failure_detector.ts";
import type { MemoryRuntime } from "../support/simulated_runtime/memory.ts";
import { test } from "../harness.ts";
import { LogWorld, PROJECT } from "../support/wal/wal_fixture.ts";

/** A dead letter that the server of {@linkcode LogWorld} accepts now. */
function deadLetter(id: string): string {
  const req = { obj: { project_id: "team/project", object_id: id, val: {} } };
  const error = { reason: "refused", status: 422, message: "no", at: "2026-01-01T00:00:00Z" };
  return `${JSON.stringify({ type: "obj_create", req, error })}\n`;
}

/** Sends the dead letters again until something kills the process, in virtual time. */
async function retry(world: LogWorld, runtime: MemoryRuntime): Promise<void> {
  let isOver = false;
  const pipeline = openPipeline(world.options(runtime));
  void pipeline.retryDeadLetters().catch((error) => {
    if (!runtime.dead) throw error;
  }).finally(() => isOver = true);
  for (let ms = 0; !isOver && !runtime.dead && ms < 10_000; ms += 100) {
    await world.clock.elapse(100);
  }
  runtime.kill();
}

for (const ids of [["a"], ["a", "b", "c"]]) {
  test(`retry: one that is killed at any operation leaves nothing after the next one, ${ids.length} files`, async () => {
    let operations = 0;
    for (let index = 0; index === 0 || index < operations; index++) {
      const world = new LogWorld();
      for (const [n, id] of ids.entries()) {
        world.disk.put(
          `${PROJECT}/${world.ownStem.replace(/^\d/, String(n))}.deadletter`,
          deadLetter(id),
        );
      }
      const runtime = world.process();
      let count = 0;
      runtime.fault = () => {
        if (index > 0 && count === index) runtime.kill();
        count++;
        return undefined;
      };
      await retry(world, runtime);
      if (index === 0) operations = count;
      await world.clock.elapse(STALE_AFTER_MS + 1); // For a lease without a holder.
      await retry(world, world.process());
      assert.deepEqual(world.names(), [], `killed at operation ${index} of ${operations}`);
      const sent = new Set(
        world.server.taken.map(({ value }) => (value.obj as { object_id: string }).object_id),
      );
      assert.deepEqual([...sent].sort(), ids);
    }
    assert.ok(operations > 10);
  });
}
