import assert from "node:assert/strict";
import { type MockServer, startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import {
  COMPLETE,
  completeOf,
  endOf,
  post,
  PROJECT,
  startOf,
  upsert,
} from "../support/mock_server/mock_requests.ts";

test("mock: a start and an end become one call, in either order", async () => {
  await using mock = await startMockServer();
  await upsert(mock, [startOf("a")], [endOf("a"), endOf("b")]);
  assert.equal(mock.store.callCount(), 2);
  assert.equal(mock.store.finishedCount(), 1);
  const answer = await upsert(mock, [startOf("b")]);
  assert.deepEqual(answer.json, { res: [{ id: "b", trace_id: "trace-b" }] });
  assert.equal(mock.store.callCount(), 2);
  assert.equal(mock.store.finishedCount(PROJECT), 2);
  const [call] = mock.store.calls(PROJECT);
  assert.equal(call.id, "a");
  assert.deepEqual(call.inputs, { text: "in" });
  assert.equal(call.output, "out");
});

test("mock: the response to a batch has one result per item", async () => {
  await using mock = await startMockServer();
  const answer = await upsert(mock, [startOf("a")], [endOf("a")]);
  assert.deepEqual(answer.json.res, [{ id: "a", trace_id: "trace-a" }, {}]);
});

test("mock: a start without ids gets generated ones", async () => {
  await using mock = await startMockServer();
  const start = startOf("x", { id: undefined, trace_id: undefined });
  const { json } = await post(mock, "/call/start", { start });
  assert.equal(mock.store.calls()[0].id, json.id);
  assert.equal(mock.store.calls()[0].trace_id, json.trace_id);
});

test("mock: the same start and end again change nothing and are counted", async () => {
  await using mock = await startMockServer();
  for (let round = 0; round < 3; round++) await upsert(mock, [startOf("a")], [endOf("a")]);
  const { counts } = mock.store;
  assert.equal(mock.store.callCount(), 1);
  assert.equal(counts.callStarts, 3);
  assert.equal(counts.duplicateStarts, 2);
  assert.equal(counts.callEnds, 3);
  assert.equal(counts.duplicateEnds, 2);
  assert.equal(counts.conflicts, 0);
});

test("mock: another start under the same id is a conflict, not a duplicate", async () => {
  await using mock = await startMockServer();
  await upsert(mock, [startOf("a"), startOf("a", { inputs: { text: "else" } })]);
  assert.equal(mock.store.counts.duplicateStarts, 0);
  assert.equal(mock.store.counts.conflicts, 1);
});

test("mock: an end that lacks a field of the one before it is a conflict", async () => {
  await using mock = await startMockServer();
  await upsert(mock, [startOf("a")], [endOf("a", { exception: "kept" }), endOf("a")]);
  assert.equal(mock.store.counts.duplicateEnds, 0);
  assert.equal(mock.store.counts.conflicts, 1);
});

test("mock: an end that repeats a part of a complete call is a duplicate", async () => {
  await using mock = await startMockServer();
  const complete = completeOf("a");
  await post(mock, COMPLETE, { batch: [complete] });
  const { started_at, trace_id } = complete;
  for (const output of ["out", "else"]) {
    const end = endOf("a", { trace_id, started_at, output });
    await post(mock, `/v2/${PROJECT}/call/end`, { end });
  }
  assert.equal(mock.store.counts.duplicateEnds, 1);
  assert.equal(mock.store.counts.conflicts, 1);
});

test("mock: a v2 start of a complete call is a duplicate that makes it run again", async () => {
  await using mock = await startMockServer();
  const complete = completeOf("a");
  await post(mock, COMPLETE, { batch: [complete] });
  const { started_at, trace_id } = complete;
  await post(mock, `/v2/${PROJECT}/call/start`, { start: startOf("a", { started_at }) });
  assert.equal(mock.store.counts.duplicateStarts, 1);
  assert.equal(mock.store.calls()[0].ended_at, null);
  assert.equal(mock.store.finishedCount(), 0);
  await post(mock, `/v2/${PROJECT}/call/end`, { end: endOf("a", { trace_id, started_at }) });
  assert.equal(mock.store.finishedCount(), 1);
});

test("mock: repetitions are detected without stored bodies", async () => {
  await using mock = await startMockServer({ keepBodies: false });
  for (let round = 0; round < 2; round++) await upsert(mock, [startOf("a")], [endOf("a")]);
  assert.equal(mock.store.counts.duplicateStarts, 1);
  assert.equal(mock.store.counts.duplicateEnds, 1);
  assert.equal(mock.store.finishedCount(), 1);
  assert.deepEqual(mock.store.calls()[0].inputs, {});
});

test("mock: v2 rows collapse by project, started_at and id", async () => {
  await using mock = await startMockServer();
  const call = completeOf("a");
  await post(mock, COMPLETE, { batch: [call, call] });
  assert.equal(mock.store.callCount(), 1);
  assert.equal(mock.store.counts.duplicateCompletes, 1);
  await post(mock, COMPLETE, {
    batch: [completeOf("a", { started_at: "2025-01-02T03:04:05.678Z" })],
  });
  assert.equal(mock.store.callCount(), 2);
});

test("mock: a v2 start is visible while it runs, and its end finds it", async () => {
  await using mock = await startMockServer();
  const start = startOf("a");
  const answer = await post(mock, `/v2/${PROJECT}/call/start`, { start });
  assert.deepEqual(answer.json, { id: "a", trace_id: "trace-a" });
  assert.equal(mock.store.calls()[0].ended_at, null);
  const end = endOf("a", { trace_id: "trace-a", started_at: start.started_at });
  await post(mock, `/v2/${PROJECT}/call/end`, { end });
  await post(mock, `/v2/${PROJECT}/call/end`, { end });
  assert.equal(mock.store.finishedCount(), 1);
  assert.equal(mock.store.counts.duplicateEnds, 1);
  assert.equal(mock.store.counts.orphanEnds, 0);
});

test("mock: a v2 end with another started_at finds its row by the id", async () => {
  await using mock = await startMockServer();
  await post(mock, `/v2/${PROJECT}/call/start`, { start: startOf("a") });
  const end = endOf("a", { trace_id: "trace-a", started_at: "2025-01-02T03:04:05Z" });
  assert.equal((await post(mock, `/v2/${PROJECT}/call/end`, { end })).status, 200);
  assert.equal(mock.store.counts.orphanEnds, 0);
  assert.equal(mock.store.finishedCount(), 1);
});

test("mock: a v2 end without its start is 404 with a reason, and leaves the project as it was", async () => {
  await using mock = await startMockServer();
  const end = endOf("a", { trace_id: "trace-a", started_at: "2025-01-02T03:04:05Z" });
  const answer = await post(mock, `/v2/${PROJECT}/call/end`, { end });
  assert.equal(answer.status, 404);
  assert.match(answer.json.reason, /^Cannot end call a: no start found in project /);
  assert.equal(mock.store.counts.orphanEnds, 1);
  assert.equal(mock.store.callCount(), 0);
  assert.equal((await upsert(mock, [startOf("b")])).status, 200, "v1 is still open to it");
});

test("mock: in a project of v1 calls, v2 writes follow the rules of v1", async () => {
  await using mock = await startMockServer();
  await upsert(mock, [startOf("a")]);
  const end = endOf("b", { trace_id: "trace-b", started_at: "2025-01-02T03:04:05Z" });
  assert.equal((await post(mock, `/v2/${PROJECT}/call/end`, { end })).status, 200);
  await post(mock, COMPLETE, { batch: [completeOf("c")] });
  await post(mock, COMPLETE, { batch: [completeOf("c")] });
  assert.deepEqual(await queriedIds(mock), ["a", "c"], "no doubles, and no end without a start");
});

test("mock: a v2 call that was written twice is two rows until the table merges", async () => {
  await using mock = await startMockServer();
  await post(mock, COMPLETE, { batch: [completeOf("a"), completeOf("b")] });
  await post(mock, COMPLETE, { batch: [completeOf("a", { output: "again" })] });
  await post(mock, `/v2/${PROJECT}/call/start`, { start: startOf("c") });
  await post(mock, `/v2/${PROJECT}/call/start`, { start: startOf("c") });
  assert.deepEqual(await queriedIds(mock), ["a", "a", "b", "c", "c"]);
  const stats = await post(mock, "/calls/query_stats", { project_id: PROJECT });
  assert.equal(stats.json.count, 5);
  assert.equal(mock.store.callCount(), 3, "the store counts calls, not rows");

  await post(mock, "/__mock/merge", undefined, { body: "" });
  assert.deepEqual(await queriedIds(mock), ["a", "b", "c"]);
  assert.equal(mock.store.calls()[0].output, "again", "the last that was written stays");
});

test("mock: an end reaches both rows of a v2 start that was written twice", async () => {
  await using mock = await startMockServer();
  const start = startOf("a");
  for (let round = 0; round < 2; round++) {
    await post(mock, `/v2/${PROJECT}/call/start`, { start });
  }
  await post(mock, `/v2/${PROJECT}/call/end`, {
    end: endOf("a", { trace_id: "trace-a", started_at: start.started_at }),
  });
  const { text } = await post(mock, "/calls/stream_query", { project_id: PROJECT });
  const outputs = text.trim().split("\n").map((line) => JSON.parse(line).output);
  assert.deepEqual(outputs, ["out", "out"]);
});

async function queriedIds(mock: MockServer): Promise<string[]> {
  const { text } = await post(mock, "/calls/stream_query", { project_id: PROJECT });
  return text.trim().split("\n").map((line) => JSON.parse(line).id).sort();
}

test("mock: a complete call finishes the row that its v2 start made", async () => {
  await using mock = await startMockServer();
  await post(mock, `/v2/${PROJECT}/call/start`, { start: startOf("a") });
  await post(mock, COMPLETE, { batch: [completeOf("a")] });
  assert.equal(mock.store.callCount(), 1);
  assert.equal(mock.store.finishedCount(), 1);
  assert.equal(mock.store.counts.duplicateCompletes, 0);
  assert.equal(mock.store.counts.conflicts, 0);
});

test("mock: calls can be renamed, even before they arrive, and the name can be cleared", async () => {
  await using mock = await startMockServer();
  const rename = (call_id: string, display_name: string) =>
    post(mock, "/call/update", { project_id: PROJECT, call_id, display_name });
  await rename("a", "early");
  assert.equal(mock.store.callCount(), 0);
  await upsert(mock, [startOf("a")]);
  assert.equal(mock.store.calls()[0].display_name, "early");
  await rename("a", "");
  assert.equal(mock.store.calls()[0].display_name, null);
});

test("mock: a start with a name after a rename restores the name", async () => {
  await using mock = await startMockServer();
  const start = startOf("a", { display_name: "given" });
  await upsert(mock, [start]);
  await post(mock, "/call/update", { project_id: PROJECT, call_id: "a", display_name: "new" });
  assert.equal(mock.store.calls()[0].display_name, "new");
  await upsert(mock, [start]);
  assert.equal(mock.store.calls()[0].display_name, "given");
});

test("mock: in complete mode the rename of a nonexistent call is lost", async () => {
  await using mock = await startMockServer();
  await post(mock, COMPLETE, { batch: [completeOf("a")] });
  for (const call_id of ["a", "b"]) {
    const body = { project_id: PROJECT, call_id, display_name: "new" };
    assert.equal((await post(mock, "/call/update", body)).status, 200);
  }
  await post(mock, COMPLETE, { batch: [completeOf("b")] });
  assert.deepEqual(mock.store.calls().map((call) => call.display_name), ["new", null]);
});

test("mock: a rename as the first write creates a v1 project", async () => {
  await using mock = await startMockServer();
  const body = { project_id: PROJECT, call_id: "a", display_name: "early" };
  await post(mock, "/call/update", body);
  assert.equal((await post(mock, COMPLETE, { batch: [completeOf("a")] })).status, 200);
  assert.equal((await upsert(mock, [startOf("b")])).status, 200);
  assert.equal(mock.store.calls()[0].display_name, "early");
});

test("mock: deleting a call also deletes its children", async () => {
  await using mock = await startMockServer();
  await upsert(mock, [
    startOf("grandchild", { parent_id: "child" }),
    startOf("child", { parent_id: "root" }),
    startOf("root"),
    startOf("other"),
  ]);
  const answer = await post(mock, "/calls/delete", { project_id: PROJECT, call_ids: ["root"] });
  assert.equal(answer.json.num_deleted, 3);
  assert.deepEqual(mock.store.calls().map((call) => call.id), ["other"]);
  assert.equal(mock.store.callCount(), 1);
});

test("mock: two thousand records in a request are counted exactly", async () => {
  await using mock = await startMockServer();
  const ids = Array.from({ length: 1000 }, (_, index) => `${index}`);
  const answer = await upsert(mock, ids.map((id) => startOf(id)), ids.map((id) => endOf(id)));
  assert.equal(answer.json.res.length, 2000);
  assert.equal(mock.store.finishedCount(), 1000);
  assert.equal(mock.journal.entries[0].items, 2000);
});
