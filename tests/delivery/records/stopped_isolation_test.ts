/**
 * Senders that stop while a record is isolated: what was delivered is not sent again.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { Pipeline, PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { appendCalls, end, start } from "../../support/delivery/delivery_fixture.ts";
import { readReply, replyTo } from "../../support/delivery/fake_replies.ts";
import type { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { LogWorld, PROJECT } from "../../support/wal/wal_fixture.ts";

const MARK = "poison";
const project_id = "team/project";

/** A server that accepts everything except marked requests, and processes that send to it. */
class Scene {
  readonly world = new LogWorld();
  accepted = "";
  /** Starts that were sent without their ends. */
  loneStarts = "";
  requests = 0;
  /** A call whose start the server does not have. */
  lacks: string | undefined;
  readonly #fetch: Fetch = async (url, init) => {
    const path = new URL(url).pathname;
    if (path === "/call/read" && this.lacks !== undefined) return new Response('{"call":null}');
    const read = readReply(path);
    if (read !== null) return new Response(read);
    this.requests++;
    const body = await new Response(init!.body).text();
    if (this.lacks !== undefined && body.includes(`"${this.lacks}"`)) {
      return new Response('{"reason":"not found"}', { status: 404 });
    }
    if (body.includes(MARK)) return new Response('{"reason":"no"}', { status: 500 });
    this.accepted += body;
    if (path.endsWith("/call/start")) this.loneStarts += body;
    return new Response(replyTo(path));
  };

  open(changes: Partial<PipelineOptions>): { runtime: MemoryRuntime; pipeline: Pipeline } {
    const runtime = this.world.process();
    const options = { fetch: this.#fetch, random: () => 0.5, ...changes };
    return { runtime, pipeline: openPipeline(this.world.options(runtime, options)) };
  }

  /** Number of times that the server accepted a record with this text. */
  count(text: string): number {
    return this.accepted.split(text).length - 1;
  }

  files(suffix: string): string[] {
    return this.world.names().filter((name) => name.endsWith(suffix));
  }

  deadLetters(): string[] {
    return this.files(".deadletter").flatMap((name) =>
      new TextDecoder().decode(this.world.disk.bytes(`${PROJECT}/${name}`)).trim().split("\n")
    );
  }
}

/** Starts of calls, whatever they are sent with. */
const CALLS = ["a0", "a19", "b0", "b19"].map((id) =>
  `"id":"${id}","trace_id":"trace-${id}","op_name"`
);

/** Appends records around the marked ones, and returns texts of the others. */
const LOGS: Readonly<Record<string, (pipeline: Pipeline) => string[]>> = {
  calls: (pipeline) => {
    appendCalls(pipeline, "a", 20);
    pipeline.append("call_start", start("bad", MARK));
    pipeline.append("call_end", end("bad", MARK));
    appendCalls(pipeline, "b", 20);
    return CALLS;
  },
  objects: (pipeline) => {
    for (const object_id of ["a", MARK, "b", "c"]) {
      pipeline.append(
        "obj_create",
        JSON.stringify({ obj: { project_id, object_id, val: object_id } }),
      );
    }
    return ["a", "b", "c"].map((id) => `"object_id":"${id}"`);
  },
  "an object among calls": (pipeline) => {
    appendCalls(pipeline, "a", 20);
    pipeline.append("obj_create", JSON.stringify({ obj: { project_id, object_id: MARK, val: 1 } }));
    appendCalls(pipeline, "b", 20);
    return CALLS;
  },
  feedback: (pipeline) => {
    for (const id of ["a", MARK, "b", "c"]) {
      const weave_ref = `weave:///${project_id}/call/1`;
      const request = { project_id, id, weave_ref, feedback_type: "n", payload: {} };
      pipeline.append("feedback_create", JSON.stringify(request));
    }
    return ["a", "b", "c"].map((id) => `"id":"${id}"`);
  },
};

for (const [what, append] of Object.entries(LOGS)) {
  for (const useCallsComplete of [true, false]) {
    for (const segmentBytes of [64 * 1024 * 1024, 600]) {
      const api = useCallsComplete ? "v2" : "v1";
      const size = segmentBytes === 600 ? "many segments" : "one segment";
      test(`stopped isolation: ${what}, ${api}, ${size}: delivered records are not sent again`, async () => {
        const scene = new Scene();
        const changes = { useCallsComplete, segmentBytes };
        const { clock } = scene.world;
        const first = scene.open(changes);
        const texts = append(first.pipeline);
        await clock.elapse(3_000);
        const stopped = first.pipeline.finish({ signal: AbortSignal.abort() });
        await clock.elapse(100);
        await stopped;
        first.runtime.exit();
        const before = texts.map((text) => scene.count(text));
        if (segmentBytes > 600) assert.ok(before.every((count) => count > 0), `${before}`);
        assert.equal(scene.deadLetters().length, 0, "nothing is proven yet");

        // A third process continues where the second one stopped.
        const second = scene.open(changes);
        await clock.elapse(2_000);
        const requests = scene.requests;
        const again = second.pipeline.finish({ signal: AbortSignal.abort() });
        await clock.elapse(100);
        await again;
        second.runtime.exit();
        const third = scene.open(changes);
        await clock.elapse(120_000);
        assert.equal((await third.pipeline.stats()).pendingRecords, 0);
        assert.ok(scene.requests > requests);
        assert.deepEqual(texts.map((text) => scene.count(text)), texts.map(() => 1));
        assert.equal(scene.count('"ended_at"'), texts === CALLS ? 40 : 0);
        assert.ok(scene.deadLetters().length > 0);
        assert.deepEqual(scene.files(".delivered"), []);
        assert.deepEqual(scene.files(".jsonl"), []);
        await third.pipeline.finish();
        third.runtime.exit();
      });
    }
  }
}

test("stopped isolation: delivered records are not sent again after an exit without time to stop", async () => {
  const scene = new Scene();
  const { clock } = scene.world;
  const changes = { useCallsComplete: true };
  const first = scene.open(changes);
  const texts = LOGS.calls(first.pipeline);
  await clock.elapse(3_000);
  assert.deepEqual(texts.map((text) => scene.count(text)), texts.map(() => 1));
  first.runtime.exit();
  const second = scene.open(changes);
  await clock.elapse(120_000);
  await second.pipeline.finish();
  second.runtime.exit();
  assert.deepEqual(texts.map((text) => scene.count(text)), texts.map(() => 1));
  assert.deepEqual(scene.files(".jsonl"), []);
});

test("stopped isolation: a repeated start is not sent again after the end of its call", async () => {
  const scene = new Scene();
  const { clock } = scene.world;
  for (let run = 0; run < 3; run++) {
    const { runtime, pipeline } = scene.open({ useCallsComplete: true });
    if (run === 0) {
      for (const id of ["a", "b"]) {
        pipeline.append("call_start", start(id));
        pipeline.append("call_end", end(id));
        pipeline.append("call_start", start(id));
      }
      pipeline.append(
        "obj_create",
        JSON.stringify({ obj: { project_id, object_id: MARK, val: 1 } }),
      );
    }
    await clock.elapse(3_000);
    const stopped = pipeline.finish({ signal: AbortSignal.abort() });
    await clock.elapse(100);
    assert.equal((await stopped).done, false);
    runtime.exit();
  }
  assert.ok(scene.count('"ended_at"') >= 2);
  assert.equal(scene.loneStarts, "");
});

test("stopped isolation: what was delivered while an end waits for its start is not sent again", async () => {
  for (const segmentBytes of [64 * 1024 * 1024, 600]) {
    const scene = new Scene();
    scene.lacks = "orphan";
    const { clock } = scene.world;
    const writer = scene.open({ sender: false, sharesCalls: true, segmentBytes });
    writer.pipeline.append("call_end", end("orphan"));
    appendCalls(writer.pipeline, "a", 20);
    writer.runtime.exit();
    const options = { useCallsComplete: true, sharesCalls: true };
    for (let run = 0; run < 3; run++) {
      const { runtime, pipeline } = scene.open(options);
      await clock.elapse(20_000);
      const stopped = pipeline.finish({ signal: AbortSignal.abort() });
      await clock.elapse(100);
      await stopped;
      runtime.exit();
      assert.ok(scene.files(".jsonl").length > 0, "the end waits");
      assert.equal(scene.count('"ended_at"'), 20);
    }
    scene.lacks = undefined;
    const { runtime, pipeline } = scene.open(options);
    await clock.elapse(60_000);
    await pipeline.finish();
    runtime.exit();
    assert.deepEqual([scene.count('"ended_at"'), scene.files(".jsonl")], [21, []]);
  }
});
