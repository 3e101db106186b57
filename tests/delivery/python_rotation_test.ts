/** The Python SDK starts a new segment every 64 MiB, and its threads may append out of order. */
import assert from "node:assert/strict";
import { openPipeline } from "../../src/client/pipeline/create_pipeline.ts";
import type { Pipeline, PipelineOptions } from "../../src/client/pipeline/pipeline.ts";
import type { Fetch } from "../../src/runtime/runtime.ts";
import { segmentPaths } from "../../src/wal/segment/segment_name.ts";
import { test } from "../harness.ts";
import { end, start } from "../support/delivery/delivery_fixture.ts";
import { line } from "../support/delivery/batches.ts";
import type { MemoryRuntime } from "../support/simulated_runtime/memory.ts";
import { LogWorld, PROJECT } from "../support/wal/wal_fixture.ts";
import { putSegment } from "../support/wal/writer_fixture.ts";

const startLine = (id: string) => `${line("call_start", start(id, {}))}\n`;
const endLine = (id: string) => `${line("call_end", end(id))}\n`;
const whole = (id: string) => startLine(id) + endLine(id);

/** A Python program whose sender is off, and a server that accepts an end only after its start. */
class Scene {
  readonly world = new LogWorld();
  readonly python: MemoryRuntime = this.world.process();
  /** Calls that the server has, and how often they were sent. */
  readonly started = new Map<string, number>();
  readonly ended = new Map<string, number>();
  /** Number of ends that the server rejected. */
  rejected = 0;
  /** Whether it accepts only the v2 calls API. */
  needsComplete = false;
  /** Ms that it takes to respond. */
  latencyMs = 0;
  #segments = 0;
  #stem = "";

  constructor() {
    this.python.env.WEAVE_DISABLE_WAL_SENDER = "true";
  }

  /** Closes the program's segment, and begins the next with these lines. */
  rotate(text: string): void {
    if (this.#stem !== "") this.python.files.remove(segmentPaths(PROJECT, this.#stem).lock);
    // Every segment has another name.
    const writer = (++this.#segments).toString(16).repeat(32);
    const files = { ".lock": String(this.python.process.pid), ".jsonl": text };
    this.#stem = putSegment(this.world, writer, files, BigInt(this.#segments)).stem;
  }

  sender(
    changes: Partial<PipelineOptions> = {},
  ): { runtime: MemoryRuntime; pipeline: Pipeline } {
    const runtime = this.world.process();
    const fixed = { fetch: this.#fetch, useCallsComplete: true };
    const options = this.world.options(runtime, { ...fixed, ...changes });
    return { runtime, pipeline: openPipeline(options) };
  }

  /** Lets time pass until `condition` is true. */
  async until(condition: () => boolean): Promise<void> {
    for (let ms = 0; !condition(); ms += 250) {
      assert.ok(ms < 600_000, `after ten minutes: ${this.world.names().join(", ")}`);
      await this.world.clock.elapse(250);
    }
  }

  names(suffix: string): string[] {
    return this.world.names().filter((name) => name.endsWith(suffix));
  }

  #fetch: Fetch = async (url, init) => {
    if (this.needsComplete && url.toString().endsWith("/call/upsert_batch")) {
      const body = '{"error_code":"CALLS_COMPLETE_MODE_REQUIRED"}';
      return { status: 400, headers: new Headers(), text: () => Promise.resolve(body) } as Response;
    }
    const { latencyMs } = this;
    if (latencyMs > 0) await new Promise<void>((go) => this.world.clock.after(latencyMs, go));
    const response = await this.world.server.fetch(url, init);
    if (init?.method !== "POST" || response.status !== 200) return response;
    const request = JSON.parse(new TextDecoder().decode(init.body as Uint8Array));
    if (request.end && !this.started.has(request.end.id)) {
      this.rejected++;
      const body = '{"reason":"Cannot end call: no start found"}';
      return { ...response, status: 404, text: () => Promise.resolve(body) } as Response;
    }
    const count = (calls: Map<string, number>, { id }: { id: string }) =>
      calls.set(id, (calls.get(id) ?? 0) + 1);
    if (request.start) count(this.started, request.start);
    if (request.end) count(this.ended, request.end);
    for (const call of request.batch ?? []) {
      count(this.started, call);
      count(this.ended, call);
    }
    return response;
  };
}

test("Python's rotation: an end is sent after its start in the next segment, while that is written", async () => {
  const scene = new Scene();
  scene.rotate(whole("a") + endLine("b"));
  const { pipeline } = scene.sender();
  await scene.until(() => scene.ended.has("a"));
  scene.rotate(startLine("b") + startLine("c"));
  await scene.until(() => scene.ended.has("b"));
  await scene.until(() => scene.names(".jsonl").length === 1);
  scene.rotate(endLine("c"));
  scene.python.kill();
  await scene.until(() => scene.names(".jsonl").length === 0);
  await pipeline.finish();
  const once = ["a", "b", "c"].map((id) => [id, 1]);
  assert.deepEqual([...scene.started].sort(), once);
  assert.deepEqual([...scene.ended].sort(), once);
  assert.deepEqual(scene.world.names(), []);
});

test("Python's threads: an end before its start is delivered also where the server asks for the other API", async () => {
  for (const limits of [{ batchRecords: 1 }, { batchRecords: 2 }, {}]) {
    for (const isOneSegment of [true, false]) {
      const scene = new Scene();
      scene.needsComplete = true;
      const ends = endLine("a") + whole("b") + endLine("c");
      if (isOneSegment) scene.rotate(ends + startLine("c") + startLine("a"));
      else {
        scene.rotate(ends);
        scene.rotate(startLine("c") + startLine("a"));
      }
      scene.python.kill();
      const { pipeline } = scene.sender({ useCallsComplete: false, ...limits });
      await scene.until(() => scene.names(".jsonl").length === 0);
      const { delivered, deadLettered, pendingRecords } = await pipeline.stats();
      assert.deepEqual([delivered, deadLettered, pendingRecords], [6, 0, 0]);
      await pipeline.finish();
      assert.deepEqual(scene.names(".deadletter"), []);
      assert.deepEqual([...scene.ended].sort(), ["a", "b", "c"].map((id) => [id, 1]));
    }
  }
});

test("Python's rotation: closed segments do not hold up the open one for an end", async () => {
  const scene = new Scene();
  scene.rotate(whole("a"));
  scene.rotate(whole("b") + endLine("c"));
  scene.rotate(startLine("c"));
  const { pipeline } = scene.sender();
  const flushed = pipeline.flush();
  await scene.until(() => scene.ended.has("c"));
  await scene.until(() => scene.names(".jsonl").length === 1);
  await scene.world.clock.elapse(5_000);
  assert.equal((await flushed).done, true);
  scene.python.kill();
  await scene.until(() => scene.names(".jsonl").length === 0);
  await pipeline.finish();
  assert.deepEqual([...scene.ended].sort(), ["a", "b", "c"].map((id) => [id, 1]));
  assert.deepEqual(scene.world.names(), []);
});

test("Python's rotation: flush() waits for an end that waits", async () => {
  const scene = new Scene();
  scene.rotate(endLine("a"));
  scene.rotate(whole("b"));
  const { pipeline } = scene.sender();
  await scene.until(() => scene.rejected > 0);
  const flushed = pipeline.flush({ timeout: 1_000 });
  await scene.world.clock.elapse(2_000);
  const { done, pendingRecords } = await flushed;
  assert.deepEqual([done, pendingRecords], [false, 1]);
  await scene.until(() => scene.names(".deadletter").length === 1);
  assert.ok(scene.ended.has("b"));
  const again = pipeline.flush();
  await scene.world.clock.elapse(2_000);
  assert.equal((await again).done, true);
  await pipeline.finish();
});

test("Python's rotation: an end that waits is on disk when its sender is killed", async () => {
  const scene = new Scene();
  scene.rotate(whole("a") + endLine("b"));
  scene.rotate("");
  const { runtime } = scene.sender();
  await scene.until(() => scene.rejected > 0);
  runtime.kill();
  const { pipeline } = scene.sender();
  scene.rotate(startLine("b"));
  await scene.until(() => scene.ended.has("b"));
  await pipeline.finish();
  assert.deepEqual(scene.names(".deadletter"), []);
});

for (const isKilled of [true, false]) {
  test(`Python's rotation: later segments do not overtake one that is still being sent, ${isKilled ? "after the process was killed" : "while the process runs"}`, async () => {
    const scene = new Scene();
    scene.latencyMs = 500;
    const calls = Array.from({ length: 40 }, (_, n) => `w${n}`);
    scene.rotate(calls.map(whole).join("") + startLine("a"));
    const { pipeline } = scene.sender({ batchRecords: 2 });
    await scene.until(() => scene.ended.size > 0);
    for (const text of [whole("b"), endLine("a"), whole("c")]) scene.rotate(text);
    if (isKilled) scene.python.kill();
    const flushed = pipeline.flush({ timeout: 120_000 })
      .then((result) => ({ ...result, ended: scene.ended.size }));
    await scene.until(() => scene.ended.size === calls.length + 3);
    await scene.world.clock.elapse(5_000);
    const { done, deadLettered, ended } = await flushed;
    assert.deepEqual([done, deadLettered, scene.rejected], [true, 0, 0]);
    assert.ok(ended >= calls.length + 2, `${ended} calls had ended when flush() resolved`);
    await pipeline.finish({ timeout: 0 });
  });
}
