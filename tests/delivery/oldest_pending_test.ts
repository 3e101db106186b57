import assert from "node:assert/strict";
import { openPipeline } from "../../src/client/pipeline/create_pipeline.ts";
import type { PipelineOptions } from "../../src/client/pipeline/pipeline.ts";
import { LogWorld } from "../support/wal/wal_fixture.ts";
import { presenceOf, putSegment, tokenOf } from "../support/wal/writer_fixture.ts";
import { test } from "../harness.ts";

const SECOND = 1_000;

/** A program on a virtual clock whose calls contain their start times. */
function scene(changes: Partial<PipelineOptions> = {}) {
  const world = new LogWorld();
  const pipeline = openPipeline(world.options(world.process(), changes));
  let count = 0;
  return {
    ...world,
    world,
    pipeline,
    append() {
      const id = `c${count++}`;
      const started_at = new Date(world.clock.now()).toISOString();
      const call = { project_id: "team/project", id, trace_id: id, op_name: "answer", started_at };
      pipeline.append(
        "call_start",
        JSON.stringify({ start: { ...call, attributes: {}, inputs: {} } }),
      );
    },
    async finish() {
      const finishing = pipeline.finish({ timeout: 0 });
      await world.clock.elapse(0);
      await finishing;
    },
  };
}

for (const wal of [true, false]) {
  const where = wal ? "on disk" : "in memory";
  test(`stats: the age of the oldest record counts from its append, not from the last delivery, ${where}`, async () => {
    const { world: { clock, server }, pipeline, append, finish } = scene({ wal });
    append();
    await clock.elapse(10 * SECOND);
    assert.equal((await pipeline.stats()).oldestPendingMs, null);
    server.refuse = () => ({ status: 503, body: {} });
    await clock.elapse(34 * SECOND);
    append();
    await clock.elapse(4 * SECOND);
    append();
    assert.equal((await pipeline.stats()).oldestPendingMs, 4 * SECOND);
    await finish();
  });
}

test("stats: a program without a sender reports since when it has been writing", async () => {
  const { world: { clock }, pipeline, append, finish } = scene({ sender: false });
  assert.equal((await pipeline.stats()).oldestPendingMs, null);
  append();
  await clock.elapse(7 * SECOND);
  append();
  assert.equal((await pipeline.stats()).oldestPendingMs, 7 * SECOND);
  await finish();
});

test("stats: while the server is down, the next attempt is known", async () => {
  const { world: { clock, server }, pipeline, append, finish } = scene({ random: () => 0.5 });
  server.refuse = () => ({ status: 503, body: {} });
  append();
  await clock.elapse(30 * SECOND);
  const { server: { state, nextAttempt } } = await pipeline.stats();
  assert.equal(state, "down");
  assert.ok(nextAttempt! >= clock.now() && nextAttempt! <= clock.now() + 300 * SECOND);
  assert.equal(pipeline.reports().sender!.nextAttempt, nextAttempt);
  const before = server.requests;
  await clock.elapse(nextAttempt! - clock.now());
  server.refuse = () => null;
  await clock.elapse(60 * SECOND);
  assert.ok(server.requests > before);
  assert.equal((await pipeline.stats()).server.nextAttempt, null);
  await finish();
});

test("stats: the oldest record may be one that an ended process left", async () => {
  const { world, pipeline, append, finish } = scene({ retryMaxMs: 300_000 });
  world.server.refuse = () => ({ status: 401, body: {} });
  const token = tokenOf(7);
  const dead = world.process();
  presenceOf(dead, token).ensure();
  dead.kill();
  const written = world.clock.now() - 60 * SECOND;
  const started_at = new Date(written).toISOString();
  const call = { project_id: "team/project", id: "a", trace_id: "a", op_name: "o", started_at };
  const start = { ...call, attributes: {}, inputs: {} };
  const line = JSON.stringify({ type: "call_start", req: { start } });
  putSegment(world, token, { ".jsonl": `${line}\n` }, BigInt(written) * 1_000_000n);
  await world.clock.elapse(10 * SECOND);
  assert.equal((await pipeline.stats()).oldestPendingMs, world.clock.now() - written);
  append();
  assert.equal((await pipeline.stats()).oldestPendingMs, world.clock.now() - written);
  await finish();
});
