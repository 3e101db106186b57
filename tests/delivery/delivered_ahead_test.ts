/** Records that are delivered ahead of the checkpoint do not count as pending. */
import assert from "node:assert/strict";
import { statusMetrics } from "../../src/cli/metrics/status_metrics.ts";
import { StatusReporter } from "../../src/cli/status/state/directory_status.ts";
import { openPipeline } from "../../src/client/pipeline/create_pipeline.ts";
import type { Pipeline, PipelineOptions } from "../../src/client/pipeline/pipeline.ts";
import type { Fetch } from "../../src/runtime/runtime.ts";
import { segmentPaths } from "../../src/wal/segment/segment_name.ts";
import { test } from "../harness.ts";
import { line } from "../support/delivery/batches.ts";
import { appendCalls, end, start } from "../support/delivery/delivery_fixture.ts";
import { readReply, replyTo } from "../support/delivery/fake_replies.ts";
import type { MemoryRuntime } from "../support/simulated_runtime/memory.ts";
import { LogWorld, PROJECT, WAL } from "../support/wal/wal_fixture.ts";
import { putSegment } from "../support/wal/writer_fixture.ts";

const MARK = "poison";

/** Counts of all that ask. */
interface Counts {
  readonly records: number;
  readonly bytes: number;
}

/** A server that does not take marked records, and processes that send to it. */
class Scene {
  readonly world = new LogWorld();
  isAway = false;
  accepted = "";

  readonly #fetch: Fetch = async (url, init) => {
    if (this.isAway) throw new TypeError("fetch failed");
    const path = new URL(url).pathname;
    if (path === "/call/read") return new Response('{"call":null}');
    const read = readReply(path);
    if (read !== null) return new Response(read);
    const body = await new Response(init!.body).text();
    if (body.includes(MARK)) {
      // An end whose start the server does not have, or a record that it fails at.
      const status = body.includes('"end"') ? 404 : 500;
      return new Response('{"reason":"no"}', { status });
    }
    this.accepted += body;
    return new Response(replyTo(path));
  };

  open(changes: Partial<PipelineOptions> = {}): { runtime: MemoryRuntime; pipeline: Pipeline } {
    const runtime = this.world.process();
    const options = { fetch: this.#fetch, random: () => 0.5, useCallsComplete: true, ...changes };
    return { runtime, pipeline: openPipeline(this.world.options(runtime, options)) };
  }

  /** Lets a process send for a while, and stops it. */
  async send(changes: Partial<PipelineOptions> = {}, ms = 20_000): Promise<void> {
    const { runtime, pipeline } = this.open(changes);
    await this.world.clock.elapse(ms);
    const stopped = pipeline.finish({ signal: AbortSignal.abort() });
    await this.world.clock.elapse(100);
    await stopped;
    runtime.exit();
  }

  files(suffix: string): string[] {
    return this.world.names().filter((name) => name.endsWith(suffix));
  }

  /** Asserts what is pending by the command, its metrics, a sender without a server, and one with it. */
  async assertPending(expected: Counts, what: string): Promise<void> {
    const { clock } = this.world;
    const looker = this.world.process();
    const report = await new StatusReporter(looker, WAL, {}).report();
    const [{ pendingRecords, pendingBytes, oldest }] = report.projects;
    assert.deepEqual({ records: pendingRecords, bytes: pendingBytes }, expected, `${what}: status`);
    assert.equal(oldest !== null, expected.records > 0, `${what}: oldest`);
    const sample = /^weave_wal_pending_records\{.*\} (\d+)$/m.exec(
      statusMetrics(report).text("prometheus"),
    );
    assert.equal(Number(sample![1]), expected.records, `${what}: metrics`);
    looker.exit();
    for (const isAway of [true, false]) {
      this.isAway = isAway;
      const { runtime, pipeline } = this.open();
      await clock.elapse(5_000);
      const stats = await pipeline.stats();
      assert.deepEqual(
        { records: stats.pendingRecords, bytes: stats.pendingBytes },
        expected,
        `${what}: ${isAway ? "without a server" : "while sending"}`,
      );
      runtime.kill();
    }
  }
}

const project_id = "team/project";
const object = (object_id: string) => JSON.stringify({ obj: { project_id, object_id, val: "x" } });
const sizeOf = (...lines: string[]) => lines.reduce((sum, text) => sum + text.length + 1, 0);

for (const segmentBytes of [64 * 1024 * 1024, 600]) {
  const size = segmentBytes === 600 ? "many segments" : "one segment";

  test(`delivered ahead: records after one that the server fails at, ${size}`, async () => {
    const scene = new Scene();
    const writer = scene.open({ sender: false, segmentBytes });
    for (const id of ["a", MARK, "b", "c"]) writer.pipeline.append("obj_create", object(id));
    appendCalls(writer.pipeline, "d", 20);
    writer.runtime.exit();
    await scene.send({}, 3_000);
    for (const id of ["b", "c", "d0", "d19"]) assert.ok(scene.accepted.includes(`"${id}"`), id);
    assert.ok(scene.files(".delivered").length > 0);
    const bytes = sizeOf(line("obj_create", object(MARK)));
    await scene.assertPending({ records: 1, bytes }, size);
  });

  test(`delivered ahead: records after an end that waits for its start, ${size}`, async () => {
    const scene = new Scene();
    const options = { sharesCalls: true };
    const writer = scene.open({ ...options, sender: false, segmentBytes });
    writer.pipeline.append("call_end", end("orphan", MARK));
    appendCalls(writer.pipeline, "a", 10);
    writer.pipeline.append("call_end", end("lost", MARK));
    appendCalls(writer.pipeline, "b", 10);
    writer.runtime.exit();
    await scene.send(options);
    await scene.send(options);
    for (const id of ["a0", "a9", "b0", "b9"]) assert.ok(scene.accepted.includes(`"${id}"`), id);
    const bytes = sizeOf(
      line("call_end", end("orphan", MARK)),
      line("call_end", end("lost", MARK)),
    );
    const looker = scene.world.process();
    const { projects: [project] } = await new StatusReporter(looker, WAL, {}).report();
    assert.deepEqual([project.pendingRecords, project.pendingBytes], [2, bytes]);
  });
}

test("delivered ahead: in a log that a Python program goes on writing, only its new records are added", async () => {
  const scene = new Scene();
  const python = scene.world.process();
  python.env.WEAVE_DISABLE_WAL_SENDER = "true";
  const orphan = line("call_end", end("orphan", MARK));
  const lines = ["a", "b", "c"].flatMap((id) => [
    line("call_start", start(id, {})),
    line("call_end", end(id)),
  ]);
  const { stem } = putSegment(scene.world, "4".repeat(32), {
    ".lock": String(python.process.pid),
    ".jsonl": [orphan, ...lines].map((text) => `${text}\n`).join(""),
  });
  await scene.send();
  for (const id of ["a", "b", "c"]) assert.ok(scene.accepted.includes(`"${id}"`), id);
  assert.equal(scene.files(".delivered").length, 1);
  const reporter = new StatusReporter(scene.world.process(), WAL, {});
  const pending = async () => {
    const { projects: [{ pendingRecords, pendingBytes }] } = await reporter.report();
    return [pendingRecords, pendingBytes];
  };
  assert.deepEqual(await pending(), [1, sizeOf(orphan)]);
  const file = python.files.openAppend(segmentPaths(PROJECT, stem).data);
  const more = line("obj_create", object("d"));
  file.write(`${more}\n`);
  assert.deepEqual(await pending(), [2, sizeOf(orphan, more)]);
  file.write(`${more}\n${more.slice(0, 9)}`);
  assert.deepEqual(await pending(), [3, sizeOf(orphan, more, more) + 9]);
  file.write(`${more.slice(9)}\n`);
  assert.deepEqual(await pending(), [4, sizeOf(orphan, more, more, more)]);
  file.close();
  scene.isAway = true;
  const { pipeline, runtime } = scene.open();
  await scene.world.clock.elapse(2_000);
  const { pendingRecords, pendingBytes } = await pipeline.stats();
  assert.deepEqual([pendingRecords, pendingBytes], await pending(), "while the log is read");
  runtime.kill();
});

for (const what of ["by a sender without a server", "while they are sent", "without a sender"]) {
  test(`delivered ahead: only undelivered records count as dropped, ${what}`, async () => {
    const scene = new Scene();
    const writer = scene.open({ sender: false });
    for (const id of [MARK, "a", "b", "c", MARK, "d"]) {
      writer.pipeline.append("obj_create", object(id));
    }
    writer.runtime.exit();
    await scene.send({}, 3_000);
    assert.equal(scene.files(".delivered").length, 1);
    scene.isAway = what === "by a sender without a server";
    const { pipeline, runtime } = scene.open({
      sender: what !== "without a sender",
      maxDiskBytes: 1_000,
      quotaPolicy: "drop-oldest",
      segmentBytes: 300,
    });
    await scene.world.clock.elapse(5_000);
    scene.isAway = true;
    for (let n = 0; n < 20; n++) {
      pipeline.append("obj_create", object(`new${n}`));
      await scene.world.clock.elapse(1_000);
    }
    const { appended, dropped } = await pipeline.stats();
    const reporter = new StatusReporter(scene.world.process(), WAL, {});
    const { projects: [{ pendingRecords }] } = await reporter.report();
    assert.equal(scene.files(".delivered").length, 0, "the segment is dropped");
    assert.ok(dropped["quota-oldest"] > 2);
    assert.equal(dropped["quota-oldest"] + pendingRecords, appended + 2);
    runtime.kill();
  });
}
