/**
 * Spans with noted starts that are interrupted by the death of a simulated process.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { Pipeline, PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { INTERRUPTED_SPAN } from "../../../src/wal/open_calls/open_calls.ts";
import { HEARTBEAT_MS, STALE_AFTER_MS } from "../../../src/wal/processes/failure_detector.ts";
import { test } from "../../harness.ts";
import { beginSpan, endOfSpan, type SimSpan, startOfSpan } from "../../sim/scenario/spans.ts";
import { Random } from "../../sim/scenario/random.ts";
import type { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { namesWith, remote } from "../../support/wal/calls_fixture.ts";
import { LogFixture } from "../../support/wal/log_fixture.ts";
import { LogWorld, PROJECT } from "../../support/wal/wal_fixture.ts";

/** A span that starts now; its ID is also its name. */
function spanAt(startedAt: number, id: string): SimSpan {
  const span = beginSpan({ id, project: 0, startedAt, size: 5, random: new Random(7) });
  return { ...span, type: "otel_traces" };
}

/** Replaces the project in a request with `team/project`. */
const ofProject = (request: string): string => request.replace("e/p0", "team/project");

/** A process that writes spans. */
class SpanWriter {
  readonly runtime: MemoryRuntime;
  readonly pipeline: Pipeline;
  readonly #spans = new Map<string, SimSpan>();

  constructor(world: LogWorld, changes: Partial<PipelineOptions> = {}) {
    this.runtime = world.process();
    this.pipeline = openPipeline(world.options(this.runtime, { sender: false, ...changes }));
  }

  start(id: string): void {
    const span = spanAt(this.runtime.clock.now(), id);
    this.#spans.set(id, span);
    this.pipeline.noteSpanStart!(span.type, ofProject(startOfSpan(span)));
  }

  end(id: string): void {
    const { type, request } = endOfSpan(this.#spans.get(id)!, {
      at: this.runtime.clock.now(),
      error: null,
    });
    this.pipeline.append(type, ofProject(request));
  }
}

/** The spans received by the server, as `id status`, with their end times. */
function spansOf(world: LogWorld): [string, number][] {
  type Taken = { name: string; endTime: bigint; status: { code: string; message: string } };
  return world.server.taken.filter(({ kind }) => kind === "span").map(({ value }) => {
    const { name, endTime, status } = value as unknown as Taken;
    if (status.code === "error") assert.equal(status.message, INTERRUPTED_SPAN);
    return [`${name.slice(0, -1)} ${status.code}`, Number(endTime / 1_000_000n)];
  });
}

test("closeInterrupted: the last span that ended is a sign of life of those that are cut off", async () => {
  const world = new LogWorld();
  const writer = new SpanWriter(world);
  writer.start("s1");
  writer.start("s2");
  await world.clock.elapse(HEARTBEAT_MS + 700);
  writer.end("s2");
  const at = world.clock.now();
  writer.runtime.kill();
  await world.clock.elapse(3_600_000);
  await world.recover();
  assert.deepEqual(spansOf(world), [["s2 ok", at], ["s1 error", at]]);
  assert.deepEqual(world.names(), []);
});

test("closeInterrupted: the start of a span is a sign of life, and none ends before it starts", async () => {
  const world = new LogWorld();
  const writer = new SpanWriter(world);
  writer.start("s1");
  await world.clock.elapse(HEARTBEAT_MS + 700);
  writer.start("s2");
  const at = world.clock.now();
  writer.runtime.kill();
  await world.recover();
  assert.deepEqual(spansOf(world).sort(), [["s1 error", at], ["s2 error", at]]);
});

test("closeInterrupted: spans that began in removed segments are remembered", async () => {
  const world = new LogWorld();
  const writer = new SpanWriter(world, { sender: true, segmentBytes: 300 });
  writer.start("s1");
  for (let n = 10; n < 20; n++) {
    writer.start(`s${n}`);
    writer.end(`s${n}`);
    await world.clock.elapse(1_000);
  }
  await world.clock.elapse(10_000);
  assert.ok(namesWith(world, ".jsonl", ".started").length <= 2, "delivered segments are removed");
  writer.runtime.kill();
  await world.recover();
  const names = spansOf(world).map(([span]) => span);
  assert.deepEqual(names.filter((name) => name.endsWith("error")), ["s1 error"]);
  assert.equal(names.length, 11);
  assert.deepEqual(world.names(), []);
});

test("closeInterrupted: spans that began in dropped segments are remembered", async () => {
  const world = new LogWorld();
  const limit = { segmentBytes: 300, maxDiskBytes: 4_000, quotaPolicy: "drop-oldest" } as const;
  for (const sender of [true, false]) {
    const writer = new SpanWriter(world, { sender, ...limit });
    world.server.refuse = () => ({ status: 401, body: {} });
    writer.start("s1");
    for (let n = 10; n < 60; n++) {
      writer.start(`s${n}`);
      writer.end(`s${n}`);
      await world.clock.elapse(200);
    }
    const { dropped } = await writer.pipeline.stats();
    assert.ok(dropped["quota-oldest"] > 0);
    writer.runtime.kill();
    world.server.refuse = () => null;
    await world.recoverFor(120_000);
    const names = spansOf(world).map(([span]) => span);
    assert.deepEqual(names.filter((name) => name.endsWith("error")), ["s1 error"]);
    assert.deepEqual(world.names(), []);
    world.server.taken.length = 0;
  }
});

test("closeInterrupted: a writer that resumes in a segment of others notes starts elsewhere", async () => {
  const world = new LogWorld();
  const writer = new LogFixture({ sender: false, fsync: "never" }, remote(world));
  const [before, ended, cut] = ["s1", "s2", "s3"].map((id) => spanAt(world.clock.now(), id));
  const note = (span: SimSpan) => writer.log.noteSpanStart(span.type, ofProject(startOfSpan(span)));
  const end = (span: SimSpan) => {
    const { type, request } = endOfSpan(span, { at: world.clock.now(), error: null });
    writer.log.append(type, ofProject(request));
  };
  note(before);
  await world.recoverFor(3 * STALE_AFTER_MS);
  assert.deepEqual(spansOf(world).map(([span]) => span), ["s1 error"]);
  note(cut);
  note(ended);
  end(ended);
  end(before);
  writer.presence.tryHeartbeat();
  await world.recoverFor(3 * STALE_AFTER_MS);
  assert.deepEqual(spansOf(world).map(([span]) => span).sort(), ["s1 error", "s2 ok", "s3 error"]);
  assert.deepEqual(namesWith(world, ".jsonl", ".open", ".started", ".closing"), []);
});

test("closeInterrupted: starts that were noted unseen are noted again, but for spans that ended", () => {
  const world = new LogWorld();
  const writer = new LogFixture({ sender: false, fsync: "never" }, remote(world));
  const [before, ended, cut] = ["s1", "s2", "s3"].map((id) => spanAt(world.clock.now(), id));
  const note = (span: SimSpan) => writer.log.noteSpanStart(span.type, startOfSpan(span));
  note(before);
  writer.heartbeat();
  note(ended);
  writer.log.append(ended.type, endOfSpan(ended, { at: 5, error: null }).request);
  note(cut);
  // As after a suspension of the machine: only the heartbeat checks the disk.
  const [data] = namesWith(world, ".jsonl");
  world.process().files.replace(
    `${PROJECT}/${data.replace("jsonl", "fence")}`,
    "",
  );
  writer.heartbeat();
  const started = namesWith(world, ".started");
  assert.equal(started.length, 2);
  const text = new TextDecoder().decode(
    world.disk.bytes(`${PROJECT}/${started[1]}`),
  );
  assert.deepEqual(text.match(/"span":"s\d"/g), ['"span":"s3"']);
});
