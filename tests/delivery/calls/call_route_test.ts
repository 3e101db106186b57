import assert from "node:assert/strict";
import type { Pipeline } from "../../../src/client/pipeline/pipeline.ts";
import {
  appendCalls,
  type DeliveryFixture,
  end,
  start,
  withDelivery,
} from "../../support/delivery/delivery_fixture.ts";
import { test } from "../../harness.ts";

/** The statuses of the responses by path, in order. */
function asked({ mock }: DeliveryFixture): Record<string, (number | null)[]> {
  const found: Record<string, (number | null)[]> = {};
  for (const { path, status } of mock.journal.entries) {
    if (path !== "/health") (found[path] ??= []).push(status);
  }
  return found;
}

for (const status of [404, 405]) {
  test(`paths: v2 paths that answer ${status} are abandoned once, for complete and running calls`, async () => {
    await withDelivery({ callMode: "new" }, async (fixture) => {
      const missing = fixture.mock.faults.add({
        path: /^\/v2\//,
        status,
        body: { detail: "Not Found" },
      });
      const pipeline = fixture.open({ useCallsComplete: true });
      appendCalls(pipeline, "a", 10);
      pipeline.append("call_start", start("open"));
      await pipeline.flush();
      const open = fixture.mock.store.calls("team/project").find(({ id }) => id === "open");
      assert.equal(open?.ended_at, null, "it is seen while it runs");
      const { hits } = missing;
      pipeline.append("call_end", end("open"));
      appendCalls(pipeline, "b", 10);
      const result = await pipeline.finish();
      assert.deepEqual([result.done, result.deadLettered], [true, 0]);
      assert.equal(fixture.mock.store.finishedCount("team/project"), 21);
      assert.equal(fixture.mock.store.counts.orphanEnds, 0);
      assert.equal(missing.hits, hits, "once the path is known to be missing, nobody asks again");
      assert.equal(fixture.events.filter(({ name }) => name === "calls-api").length, 1);
    });
  });
}

for (const status of [404, 405]) {
  test(`paths: a v1 path that answers ${status} is replaced once by the v2 paths`, async () => {
    await withDelivery({ callMode: "new" }, async (fixture) => {
      const missing = fixture.mock.faults.add({
        path: /upsert_batch/,
        status,
        body: { detail: "Not Found" },
      });
      const pipeline = fixture.open({ useCallsComplete: false });
      appendCalls(pipeline, "a", 10);
      assert.equal((await pipeline.flush()).done, true);
      appendCalls(pipeline, "b", 10);
      const { done, deadLettered } = await pipeline.finish();
      assert.deepEqual([done, deadLettered], [true, 0]);
      assert.equal(fixture.mock.store.finishedCount("team/project"), 20);
      assert.equal(missing.hits, 1);
    });
  });
}

test("paths: without useCallsComplete no v2 path is requested, even if the server has it", async () => {
  await withDelivery({ callMode: "new" }, async (fixture) => {
    const pipeline = fixture.open({ useCallsComplete: false });
    appendCalls(pipeline, "a", 10);
    pipeline.append("call_start", start("open"));
    assert.equal((await pipeline.flush()).done, true);
    assert.deepEqual(Object.keys(asked(fixture)), ["/call/upsert_batch"]);
    assert.equal(fixture.mock.store.calls("team/project").length, 11);
  });
});

function appendFeedback(pipeline: Pipeline, ids: readonly string[]): void {
  for (const id of ids) {
    pipeline.append(
      "feedback_create",
      JSON.stringify({
        project_id: "team/project",
        id,
        weave_ref: "weave:///team/project/call/1",
        feedback_type: "note",
        payload: { note: id },
      }),
    );
  }
}

test("paths: feedbacks are sent together", async () => {
  await withDelivery({}, async (fixture) => {
    const pipeline = fixture.open();
    appendFeedback(pipeline, ["a", "b", "c"]);
    assert.equal((await pipeline.finish()).done, true);
    assert.deepEqual(asked(fixture), { "/feedback/batch/create": [200] });
    assert.equal(fixture.mock.store.project("team/project").feedback.size, 3);
  });
});

test("paths: a server without feedback batches is queried once", async () => {
  await withDelivery({ feedbackBatch: false }, async (fixture) => {
    const pipeline = fixture.open();
    appendFeedback(pipeline, ["a", "b"]);
    assert.equal((await pipeline.flush()).done, true);
    appendFeedback(pipeline, ["c", "d"]);
    const { done, deadLettered } = await pipeline.finish();
    assert.deepEqual([done, deadLettered], [true, 0]);
    assert.deepEqual(asked(fixture), {
      "/feedback/batch/create": [404],
      "/feedback/create": [200, 200, 200, 200],
    });
    const { feedback } = fixture.mock.store.project("team/project");
    assert.deepEqual([...feedback.keys()].sort(), ["a", "b", "c", "d"]);
  });
});

for (
  const [filePaths, paths] of [
    ["new", { "/files/create": [200, 200] }],
    ["old", { "/files/create": [404], "/file/create": [200, 200] }],
  ] as const
) {
  test(`paths: files go to the ${filePaths} path, as forms with their names and bytes`, async () => {
    await withDelivery({ filePaths }, async (fixture) => {
      const pipeline = fixture.open();
      const file = (name: string, content: Record<string, string>) =>
        pipeline.append(
          "file_create",
          JSON.stringify({ project_id: "team/project", name, ...content }),
        );
      file("a b.txt", { content: "héllo 😀\r\n" });
      assert.equal((await pipeline.flush()).done, true);
      file("b.bin", { content_base64: "AP+AAQ==" });
      assert.equal((await pipeline.finish()).done, true);
      assert.deepEqual(asked(fixture), paths);
      const { files } = fixture.mock.store.project("team/project");
      assert.deepEqual([...files.values()].map(({ name, content }) => [name, [...content!]]), [
        ["a b.txt", [...new TextEncoder().encode("héllo 😀\r\n")]],
        ["b.bin", [0, 255, 128, 1]],
      ]);
    });
  });
}

test("paths: recently delivered content is not sent again", async () => {
  await withDelivery({}, async (fixture) => {
    const pipeline = fixture.open();
    const object = JSON.stringify({
      obj: { project_id: "team/project", object_id: "same", val: { n: 1 } },
    });
    for (let i = 0; i < 3; i++) pipeline.append("obj_create", object);
    assert.equal((await pipeline.flush()).done, true);
    pipeline.append("obj_create", object);
    const { done, delivered } = await pipeline.finish();
    assert.deepEqual([done, delivered], [true, 4]);
    assert.deepEqual(asked(fixture), { "/obj/create": [200] });
  });
});
