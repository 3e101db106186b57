import assert from "node:assert/strict";
import { openPipeline } from "../../src/client/pipeline/create_pipeline.ts";
import { PROGRESS_MS } from "../../src/delivery/recovery/recovery_progress.ts";
import type { Fetch } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { LogWorld } from "../support/wal/wal_fixture.ts";
import { putOrphans } from "../support/wal/writer_fixture.ts";

/** Recovers segments of two records each; returns the reports about it. */
async function reportsOf(segments: number, processes: number, delayMs: number): Promise<string[]> {
  const world = new LogWorld();
  putOrphans(world, segments, processes, (n) => [`first${n}`, `second${n}`]);
  const reports: string[] = [];
  const runtime = world.process();
  const fetch: Fetch = async (url, init) => {
    await new Promise<void>((resolve) => void world.clock.after(delayMs, resolve));
    return await world.server.fetch(url, init);
  };
  world.server.limit = 10 * segments;
  const pipeline = openPipeline(world.options(runtime, {
    fetch,
    batchRecords: 40,
    onEvent: ({ name, message }) => void (/^recover/.test(name) && reports.push(message)),
  }));
  const finishing = pipeline.finish();
  await world.clock.elapse(4 * delayMs * segments);
  assert.equal((await finishing).delivered, 2 * segments);
  runtime.exit();
  return reports;
}

test("recovery progress: one line says how many records of how many processes are being sent", async () => {
  assert.deepEqual(await reportsOf(6, 3, 0), [
    "team/project: sending 12 records that 3 processes left (6 files)",
    "team/project: sent all 12 records that 3 processes left",
  ]);
});

test("recovery progress: lines at intervals say how many of many records are sent", async () => {
  const segments = 400;
  const [first, ...rest] = await reportsOf(segments, 40, PROGRESS_MS / 20);
  assert.equal(
    first,
    "team/project: sending about 800 records that 40 processes left (400 files)",
  );
  assert.equal(rest.pop(), "team/project: sent all 800 records that 40 processes left");
  assert.ok(rest.length > 1 && rest.length < 20, rest.join("\n"));
  let before = 0;
  for (const text of rest) {
    const [, sent] = /: sent (\d+) of about 800 records that 40 processes left/.exec(text)!;
    assert.ok(Number(sent) > before, text);
    before = Number(sent);
  }
});
