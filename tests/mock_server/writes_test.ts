import assert from "node:assert/strict";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import {
  completeOf,
  endOf,
  post,
  PROJECT,
  send,
  startOf,
} from "../support/mock_server/mock_requests.ts";
import { feedback, type Json, WRITES } from "../support/mock_server/writes.ts";

test("mock: every write accepts a body with the required fields", async () => {
  await using mock = await startMockServer();
  await post(mock, "/table/create", { table: { project_id: PROJECT, rows: [] } });
  for (const { path, body } of WRITES) {
    // Once the v2 paths were used, v1 is rejected, so the mode is set to match the write.
    if (path === "/call/start") mock.configure({ callMode: "old" });
    if (path.startsWith("/v2/")) mock.configure({ callMode: "new" });
    const answer = await post(mock, path, body());
    assert.equal(answer.status, 200, `${path}: ${answer.text}`);
  }
});

test("mock: every write refuses an unknown field and says where it is", async () => {
  await using mock = await startMockServer();
  for (const { path, body, fields } of WRITES) {
    const wrong = body();
    fields(wrong).color = "red";
    const answer = await post(mock, path, wrong);
    assert.equal(answer.status, 422, path);
    const [problem] = answer.json.detail;
    assert.equal(problem.type, "extra_forbidden", path);
    assert.equal(problem.loc[0], "body", path);
    assert.equal(problem.loc.at(-1), "color", path);
  }
});

test("mock: every write rejects a request without any of its required fields", async () => {
  await using mock = await startMockServer();
  for (const { path, body, fields, required } of WRITES) {
    for (const name of required) {
      const wrong = body();
      delete fields(wrong)[name];
      const answer = await post(mock, path, wrong);
      assert.equal(answer.status, 422, `${path} without ${name}`);
      assert.deepEqual(
        answer.json.detail.map((problem: Json) => [problem.type, (problem.loc as []).at(-1)]),
        [["missing", name]],
      );
    }
  }
});

test("mock: every write refuses a wrong type in each of its required fields", async () => {
  await using mock = await startMockServer();
  for (const { path, body, fields, required } of WRITES) {
    for (const name of required) {
      if (name === "val") continue; // any JSON value
      for (const value of [17, null]) {
        const wrong = body();
        fields(wrong)[name] = value;
        const answer = await post(mock, path, wrong);
        assert.equal(answer.status, 422, `${path} with ${name}: ${value}`);
      }
    }
  }
});

test("mock: every write requires project_id as entity/project", async () => {
  await using mock = await startMockServer();
  for (const { path, body, fields } of WRITES) {
    for (const projectId of ["project", "a/b/c", "/b", "a/", ""]) {
      const wrong = body();
      fields(wrong).project_id = projectId;
      assert.equal((await post(mock, path, wrong)).status, 422, `${path}: ${projectId}`);
    }
  }
});

test("mock: wb_user_id is set by the server, only null is accepted", async () => {
  await using mock = await startMockServer({ callMode: "old" });
  const start = (more: Json) => post(mock, "/call/start", { start: startOf("1", more) });
  assert.equal((await start({ wb_user_id: "me" })).status, 422);
  assert.equal((await start({ wb_user_id: null })).status, 200);
  const end = (more: Json) => post(mock, "/call/end", { end: endOf("1", more) });
  assert.equal((await end({ wb_user_id: "me" })).status, 422);
});

test("mock: optional fields may be null", async () => {
  await using mock = await startMockServer();
  const start = startOf("1", {
    display_name: null,
    parent_id: null,
    thread_id: null,
    turn_id: null,
    otel_dump: null,
    wb_run_id: null,
    wb_run_step: null,
  });
  assert.equal((await post(mock, "/call/start", { start })).status, 200);
  const end = endOf("1", { exception: null, output: null, wb_run_step_end: null });
  assert.equal((await post(mock, "/call/end", { end })).status, 200);
});

test("mock: the fields that today's SDKs add to a call's end are taken", async () => {
  await using mock = await startMockServer();
  const end = endOf("1", {
    trace_id: "t",
    started_at: "2025-01-02T03:04:05Z",
    is_eval: false,
    display_name: "renamed while it ran",
  });
  assert.equal((await post(mock, "/call/end", { end })).status, 200);
});

test("mock: times must be ISO 8601 text", async () => {
  await using mock = await startMockServer();
  const at = (started_at: unknown) =>
    post(mock, "/call/start", { start: startOf("1", { started_at }) });
  for (const good of ["2025-01-02T03:04:05Z", "2025-01-02T03:04:05.123456+02:00"]) {
    assert.equal((await at(good)).status, 200, good);
  }
  for (const bad of ["yesterday", "2025-13-02T03:04:05Z", "1735787045", 1735787045, ""]) {
    assert.equal((await at(bad)).status, 422, `${bad}`);
  }
});

test("mock: one invalid item rejects a whole batch and is identified", async () => {
  await using mock = await startMockServer();
  const batch = [0, 1, 2].map((n) => ({ mode: "start", req: { start: startOf(`${n}`) } }));
  delete batch[1].req.start.inputs;
  const answer = await post(mock, "/call/upsert_batch", { batch });
  assert.equal(answer.status, 422);
  assert.deepEqual(answer.json.detail[0].loc, ["body", "batch", 1, "req", "start", "inputs"]);
  assert.equal(mock.store.callCount(), 0);
});

test("mock: a batch item needs its mode, and the request of that mode", async () => {
  await using mock = await startMockServer();
  const refuse = async (item: Json) =>
    assert.equal((await post(mock, "/call/upsert_batch", { batch: [item] })).status, 422);
  await refuse({ req: { start: startOf("1") } });
  await refuse({ mode: "middle", req: { start: startOf("1") } });
  await refuse({ mode: "end", req: { start: startOf("1") } });
});

test("mock: a table update is one of append, pop and insert", async () => {
  await using mock = await startMockServer();
  const { json: { digest } } = await post(mock, "/table/create", {
    table: { project_id: PROJECT, rows: [{ x: 1 }, { x: 2 }] },
  });
  const update = (updates: unknown[]) =>
    post(mock, "/table/update", { project_id: PROJECT, base_digest: digest, updates });
  assert.equal((await update([{ append: {} }])).status, 422);
  assert.equal((await update([{ swap: { index: 1 } }])).status, 422);
  assert.equal((await update([{ pop: { index: 0 }, append: { row: {} } }])).status, 422);
  assert.equal((await update([{ pop: { index: 2 } }])).status, 400);

  const done = await update([
    { pop: { index: 0 } },
    { insert: { index: 0, row: { x: 3 } } },
    { append: { row: { x: 4 } } },
  ]);
  assert.equal(done.json.updated_row_digests.length, 3, "that of the row taken out as well");
  assert.deepEqual(
    mock.store.table(PROJECT, done.json.digest)!.map((row) => row.val),
    [{ x: 3 }, { x: 2 }, { x: 4 }],
  );
});

test("mock: an update of a nonexistent table is 404", async () => {
  await using mock = await startMockServer();
  const body = { project_id: PROJECT, base_digest: "nothing", updates: [] };
  assert.equal((await post(mock, "/table/update", body)).status, 404);
});

test("mock: a body that is not JSON is 422", async () => {
  await using mock = await startMockServer();
  const answer = await send(`${mock.url}/call/start`, { method: "POST", body: "{" });
  assert.equal(answer.status, 422);
  assert.equal(answer.json.detail[0].type, "json_invalid");
});

test("mock: v2 wants the project of its path", async () => {
  await using mock = await startMockServer();
  const batch = [completeOf("1"), completeOf("2", { project_id: "team/other" })];
  const answer = await post(mock, `/v2/${PROJECT}/calls/complete`, { batch });
  assert.equal(answer.status, 422);
  assert.equal(mock.store.callCount(), 0);
});

test("mock: files come as multipart forms under both paths", async () => {
  await using mock = await startMockServer();
  for (const path of ["/files/create", "/file/create"]) {
    const answer = await upload(mock, path, { project_id: PROJECT });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.digest, "uU0nuZNNPgilLlLX2n2rXsSE7XN6U4DukIj3rOLvzek");
  }
  const file = mock.store.file(PROJECT, "uU0nuZNNPgilLlLX2n2rXsSE7XN6U4DukIj3rOLvzek")!;
  assert.equal(file.name, "greeting.txt");
  assert.equal(new TextDecoder().decode(file.content!), "hello world");
  assert.equal(mock.store.counts.files, 2);
  assert.equal(mock.store.counts.duplicateFiles, 1);
});

test("mock: a file form without its parts, or with others, is refused", async () => {
  await using mock = await startMockServer();
  assert.equal((await upload(mock, "/files/create", {})).status, 422);
  assert.equal(
    (await upload(mock, "/files/create", { project_id: PROJECT, color: "red" })).status,
    422,
  );
  assert.equal((await upload(mock, "/files/create", { project_id: PROJECT }, null)).status, 422);
  assert.equal((await post(mock, "/files/create", { project_id: PROJECT })).status, 422);
});

function upload(
  mock: { url: string },
  path: string,
  fields: Record<string, string>,
  content: string | null = "hello world",
) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  if (content !== null) form.append("file", new Blob([content]), "greeting.txt");
  return send(mock.url + path, { method: "POST", body: form });
}

test("mock: feedback answers with what it stored, and a client's id is kept", async () => {
  await using mock = await startMockServer();
  const first = await post(mock, "/feedback/create", { ...feedback(), id: "mine" });
  assert.equal(first.json.id, "mine");
  assert.deepEqual(first.json.payload, { emoji: "👍" });
  assert.match(first.json.created_at, /^\d{4}-/);
  await post(mock, "/feedback/batch/create", { batch: [{ ...feedback(), id: "mine" }] });
  assert.equal(mock.store.feedback(PROJECT).length, 1);
  assert.equal(mock.store.counts.duplicateFeedback, 1);
  await post(mock, "/feedback/create", feedback());
  assert.equal(mock.store.feedback(PROJECT).length, 2);
});

test("mock: replaced feedback supersedes the old", async () => {
  await using mock = await startMockServer();
  await post(mock, "/feedback/create", { ...feedback(), id: "old" });
  await post(mock, "/feedback/replace", { ...feedback(), id: "new", feedback_id: "old" });
  assert.deepEqual(mock.store.feedback(PROJECT).map((item) => item.id), ["new"]);
});

test("mock: costs answer with an id for each model", async () => {
  await using mock = await startMockServer();
  const cost = { prompt_token_cost: 1, completion_token_cost: 2 };
  const answer = await post(mock, "/cost/create", {
    project_id: PROJECT,
    costs: { a: cost, b: cost },
  });
  assert.deepEqual(answer.json.ids.map((pair: string[]) => pair[1]), ["a", "b"]);
  const wrong = { project_id: PROJECT, costs: { a: { prompt_token_cost: 1 } } };
  assert.equal((await post(mock, "/cost/create", wrong)).status, 422);
});

test("mock: an unknown path is 404", async () => {
  await using mock = await startMockServer();
  assert.equal((await post(mock, "/call/begin", {})).status, 404);
});
