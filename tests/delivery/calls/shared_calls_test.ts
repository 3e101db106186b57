/**
 * Calls whose starts are in other logs than their ends.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import { formatStem } from "../../../src/wal/segment/segment_name.ts";
import { test } from "../../harness.ts";
import { line } from "../../support/delivery/batches.ts";
import { appendCalls, end } from "../../support/delivery/delivery_fixture.ts";
import {
  endLine,
  Scene,
  type SceneOptions,
  whole,
} from "../../support/delivery/held_ends_scene.ts";
import { LogWorld, TOKEN, WAL } from "../../support/wal/wal_fixture.ts";

const SHARED: SceneOptions = { stem: formatStem(1n, TOKEN).stem, sharesCalls: true };

/** The line of an end without fields of its start, as clients of the v1 calls API send it. */
const bareEnd = (id: string): string =>
  `${
    line(
      "call_end",
      JSON.stringify({
        end: {
          project_id: "team/project",
          id,
          ended_at: "2026-01-01T00:00:01.000000Z",
          output: 42,
          summary: {},
        },
      }),
    )
  }\n`;

/** Lets a scene run for some time. */
async function pass(scene: Scene, ms: number): Promise<void> {
  let passed = 0;
  await scene.until(() => (passed += 50) > ms);
}

for (const isSealed of [false, true]) {
  const log = isSealed ? "a closed log" : "a log";

  test(`shared calls: an end in ${log} waits for a start in another log`, async () => {
    const scene = new Scene(endLine("other") + whole("own"), { ...SHARED, isSealed });
    await scene.until(() => scene.requests.filter((path) => path === "404").length >= 3);
    assert.deepEqual([...scene.ended], ["own"]);
    assert.equal(scene.checkpoint, 0);
    assert.equal(await scene.pending(), endLine("other").length - 1);
    assert.equal(scene.drain.isHolding, isSealed);
    scene.started.add("other");
    await scene.until(() => scene.ended.has("other"));
    await scene.toEnd();
    assert.deepEqual(scene.deadLetters, []);
    assert.equal(scene.ends.length, 1);
  });

  test(`shared calls: an end in ${log} gets the fields of its start from the server`, async () => {
    const scene = new Scene(bareEnd("other") + whole("own"), { ...SHARED, isSealed });
    await scene.until(() => scene.requests.filter((path) => path === "call/read").length >= 3);
    assert.deepEqual([...scene.ended], ["own"]);
    scene.started.add("other");
    await scene.until(() => scene.ended.has("other"));
    await scene.toEnd();
    assert.deepEqual(scene.deadLetters, []);
    assert.deepEqual(scene.ends, [{
      project_id: "team/project",
      id: "other",
      ended_at: "2026-01-01T00:00:01.000000Z",
      output: 42,
      summary: {},
      trace_id: "trace of other",
      started_at: "2026-01-01T00:00:00.000000Z",
    }]);
    assert.ok(!scene.requests.includes("404"), "it is not sent without them");
  });
}

test("shared calls: an end whose start was delivered is sent at once", async () => {
  const scene = new Scene(endLine("other"), SHARED);
  scene.started.add("other");
  const ms = await scene.until(() => scene.ended.has("other"));
  assert.ok(ms < 1_000, `${ms} ms`);
  assert.deepEqual(scene.requests, ["call/end"]);
  await scene.toEnd();
});

for (const [what, text] of [["with", endLine("other")], ["without", bareEnd("other")]] as const) {
  test(`shared calls: an end ${what} fields of its start is dead-lettered after minutes`, async () => {
    const scene = new Scene(text + whole("own"), { ...SHARED, isSealed: true });
    const ms = await scene.until(() => scene.deadLetters.length > 0);
    assert.ok(ms >= 500_000 && ms <= 520_000, `${ms} ms`);
    assert.deepEqual(scene.deadLetters.map(({ status }) => status), [404]);
    await scene.toEnd();
  });
}

test("shared calls: while starts cannot be read, no end is dead-lettered", async () => {
  const scene = new Scene(bareEnd("other") + whole("own"), { ...SHARED, isSealed: true });
  for (const status of [500, 503, 401]) {
    scene.readStatus = status;
    await pass(scene, 590_000);
    assert.deepEqual(scene.deadLetters, [], `HTTP ${status}`);
  }
  scene.readStatus = 200;
  scene.started.add("other");
  await scene.until(() => scene.ended.has("other"));
  await scene.toEnd();
  assert.deepEqual(scene.deadLetters, []);
});

test("shared calls: a server without reads of calls gets the end as it is", async () => {
  const scene = new Scene(bareEnd("other"), SHARED);
  scene.readStatus = 405;
  scene.started.add("other");
  await scene.until(() => scene.ended.has("other"));
  assert.deepEqual(Object.keys(scene.ends[0]), [
    "project_id",
    "id",
    "ended_at",
    "output",
    "summary",
  ]);
  await scene.toEnd();
});

/** A simulated host whose server does not have the start of one call yet. */
class SharedWorld extends LogWorld {
  hasStart = false;

  constructor() {
    super();
    this.server.refuse = (path, body) =>
      path.endsWith("/call/end") && !this.hasStart &&
        new TextDecoder().decode(body as Uint8Array).includes('"other"')
        ? { status: 404, body: { reason: "Cannot end call: no start found" } }
        : null;
  }

  /** IDs of the calls that the server has ended. */
  get ended(): string[] {
    return this.server.taken.filter(({ kind }) => kind !== "call_start")
      .map(({ value }) => String(value.id));
  }
}

test("shared calls: an end that waits delays neither later segments nor reads", async () => {
  const world = new SharedWorld();
  const runtime = world.process();
  const log = openPipeline(
    world.options(runtime, { sharesCalls: true, useCallsComplete: true, segmentBytes: 4_000 }),
  );
  log.append("call_end", end("other"));
  await world.clock.elapse(3_000);
  assert.ok((await log.flush({ isForRead: true })).done, "in the segment that is being written");
  appendCalls(log, "own", 40);
  await world.clock.elapse(10_000);
  assert.deepEqual(world.ended.length, 40, "all calls of the log");
  assert.ok(world.names().filter((name) => name.endsWith(".jsonl")).length >= 2);
  assert.equal((await log.stats()).pendingRecords, 1);
  assert.ok((await log.flush({ isForRead: true })).done);
  const flushed = log.flush({ timeout: 5_000 });
  await world.clock.elapse(5_000);
  assert.deepEqual((await flushed).reason, "timeout");
  world.hasStart = true;
  await world.clock.elapse(60_000);
  assert.ok(world.ended.includes("other"));
  assert.equal((await log.stats()).pendingRecords, 0);
  assert.equal(world.names().filter((name) => name.endsWith(".jsonl")).length, 1);
  await log.finish();
  runtime.exit();
});

const OPTIONS = { sharesCalls: true, useCallsComplete: true };

test("shared calls: an end of a dead process waits, also while others are recovered", async () => {
  const world = new SharedWorld();
  world.put(`${line("call_end", end("other"))}\n`, world.ownStem);
  const runtime = world.process();
  const sender = openPipeline(world.options(runtime, OPTIONS));
  await world.clock.elapse(10_000);
  assert.equal(world.ended.length, 0);
  const second = world.process();
  const log = openPipeline(world.options(second, { sender: false }));
  appendCalls(log, "second", 3);
  second.kill();
  await world.clock.elapse(30_000);
  assert.equal(world.ended.length, 3, "the other dead process");
  assert.equal((await sender.stats()).pendingRecords, 1);
  world.hasStart = true;
  await world.clock.elapse(120_000);
  assert.ok(world.ended.includes("other"));
  await sender.finish();
  runtime.exit();
  assert.deepEqual(world.deadLetters(world.ownStem), []);
  assert.deepEqual(world.names().filter((name) => /\.jsonl$|lease/.test(name)), []);
});

test("shared calls: a process that ends leaves the ends of others to the next one", async () => {
  const world = new SharedWorld();
  world.put(`${line("call_end", end("other"))}\n`, world.ownStem);
  const first = world.process();
  const sender = openPipeline(world.options(first, OPTIONS));
  await world.clock.elapse(10_000);
  assert.ok((await sender.finish()).done);
  first.exit();
  world.hasStart = true;
  await world.recoverFor(10_000, OPTIONS);
  assert.deepEqual(world.ended, ["other"]);
});

for (
  const [writer, { sharesCalls, isLost, waits }] of Object.entries({
    "a relay": { sharesCalls: true, isLost: false, waits: true },
    "a relay whose presence file is lost": { sharesCalls: true, isLost: true, waits: true },
    "a process that shares no calls": { sharesCalls: false, isLost: false, waits: false },
  })
) {
  const title = `a program that sends the log of ${writer} ${
    waits ? "waits" : "does not wait"
  } for a start`;
  test(`shared calls: ${title}`, async () => {
    const world = new SharedWorld();
    const first = world.process();
    const dead = openPipeline(world.options(first, { ...OPTIONS, sharesCalls }));
    dead.append("call_end", end("other"));
    first.kill();
    if (isLost) {
      const { files } = world.process();
      for (const { name } of files.list(`${WAL}/.processes`)) {
        files.remove(`${WAL}/.processes/${name}`);
      }
    }
    const stem = world.names().find((name) => name.endsWith(".jsonl"))!.replace(/\.jsonl$/, "");
    const second = world.process();
    const sender = openPipeline(world.options(second, { useCallsComplete: true }));
    await world.clock.elapse(60_000);
    assert.equal(world.deadLetters(stem).length, waits ? 0 : 1);
    assert.equal((await sender.stats()).pendingRecords, waits ? 1 : 0);
    world.hasStart = true;
    await world.clock.elapse(120_000);
    assert.deepEqual(world.ended, waits ? ["other"] : []);
    await sender.finish();
    second.exit();
  });
}

test("shared calls: an end that waits is not lost if the disk fails a read before the process ends", async () => {
  const world = new SharedWorld();
  const first = world.process();
  const log = openPipeline(world.options(first, OPTIONS));
  log.append("call_end", end("other"));
  appendCalls(log, "own", 3);
  await world.clock.elapse(5_000);
  assert.equal(world.ended.length, 3);
  let failed = 0;
  first.fault = ({ kind, path }) =>
    kind === "read" && path.endsWith(".jsonl") && ++failed ? { code: "EIO" } : undefined;
  appendCalls(log, "later", 1);
  await world.clock.elapse(2_000);
  assert.ok(failed > 0);
  const finished = log.finish({ signal: AbortSignal.abort() });
  await world.clock.elapse(100);
  await finished;
  first.exit();
  world.hasStart = true;
  await world.recoverFor(60_000, OPTIONS);
  assert.deepEqual(world.ended.filter((id) => id === "other"), ["other"]);
  assert.equal(world.ended.length, 5);
});
