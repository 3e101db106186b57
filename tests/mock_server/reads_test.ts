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

async function withCalls() {
  const mock = await startMockServer();
  const starts = [
    startOf("root", { trace_id: "t1", started_at: "2025-01-01T00:00:02Z" }),
    startOf("child", {
      trace_id: "t1",
      parent_id: "root",
      op_name: "other",
      started_at: "2025-01-01T00:00:03Z",
    }),
    startOf("other", { trace_id: "t2", started_at: "2025-01-01T00:00:01Z" }),
  ];
  await post(mock, "/call/upsert_batch", {
    batch: [
      ...starts.map((start) => ({ mode: "start", req: { start } })),
      { mode: "end", req: { end: endOf("root") } },
    ],
  });
  return mock;
}

async function query(mock: { url: string }, more: Record<string, unknown>): Promise<string[]> {
  const answer = await post(mock, "/calls/stream_query", { project_id: PROJECT, ...more });
  assert.equal(answer.status, 200, answer.text);
  return answer.text.split("\n").filter(Boolean).map((line) => JSON.parse(line).id);
}

test("mock: the stream query returns one call per line", async () => {
  await using mock = await withCalls();
  const answer = await post(mock, "/calls/stream_query", { project_id: PROJECT });
  const lines = answer.text.split("\n");
  assert.equal(lines.length, 4);
  assert.equal(lines.at(-1), "");
  const root = JSON.parse(lines[0]);
  assert.equal(root.output, "out");
  assert.equal(root.ended_at, "2025-01-02T03:04:06.000000Z");
  assert.equal(JSON.parse(lines[1]).ended_at, null);
});

test("mock: the stream query filters, sorts and pages", async () => {
  await using mock = await withCalls();
  assert.deepEqual(await query(mock, { filter: { call_ids: ["child", "none"] } }), ["child"]);
  assert.deepEqual(await query(mock, { filter: { trace_ids: ["t1"] } }), ["root", "child"]);
  assert.deepEqual(await query(mock, { filter: { op_names: ["other"] } }), ["child"]);
  assert.deepEqual(await query(mock, { filter: { parent_ids: ["root"] } }), ["child"]);
  assert.deepEqual(await query(mock, { filter: { trace_roots_only: true } }), ["root", "other"]);
  assert.deepEqual(await query(mock, { limit: 1, offset: 1 }), ["child"]);
  const sort_by = [{ field: "started_at", direction: "asc" }];
  assert.deepEqual(await query(mock, { sort_by }), ["other", "root", "child"]);
  const { json } = await post(mock, "/calls/query_stats", {
    project_id: PROJECT,
    filter: { trace_ids: ["t1"] },
  });
  assert.equal(json.count, 2);
});

test("mock: a call is returned with its status, its latency and the fields that the server adds", async () => {
  await using mock = await startMockServer();
  const shown = async (id: string) =>
    (await post(mock, "/call/read", { project_id: PROJECT, id })).json.call;
  const times = { started_at: "2025-01-02T03:04:05Z", ended_at: "2025-01-02T03:04:06.5Z" };
  const calls: [string, Record<string, unknown>, string][] = [
    ["good", {}, "success"],
    ["failed", { exception: "x" }, "error"],
    ["above", { summary: { status_counts: { success: 1, error: 1 } } }, "descendant_error"],
  ];
  for (const [id, more, status] of calls) {
    const batch = [completeOf(id, { ...times, ...more })];
    await post(mock, `/v2/${PROJECT}/calls/complete`, { batch });
    const { summary, wb_user_id, wb_run_step, expire_at } = await shown(id);
    assert.deepEqual(summary.weave, { status, trace_name: "work", latency_ms: 1500 }, id);
    assert.equal(typeof wb_user_id, "string");
    assert.deepEqual([wb_run_step, expire_at], [0, null]);
  }
  await post(mock, `/v2/${PROJECT}/call/start`, { start: startOf("runs", { display_name: "n" }) });
  assert.deepEqual((await shown("runs")).summary.weave, { status: "running", display_name: "n" });
});

test("mock: reads reject unknown fields", async () => {
  await using mock = await startMockServer();
  const body = { project_id: PROJECT, color: "red" };
  for (const path of ["/calls/stream_query", "/call/read", "/obj/read", "/table/query"]) {
    assert.equal((await post(mock, path, body)).status, 422, path);
  }
});

test("mock: the stream query returns thousands of calls", async () => {
  await using mock = await startMockServer();
  const batch = Array.from({ length: 2500 }, (_, index) => ({
    mode: "start",
    req: { start: startOf(`${index}`) },
  }));
  await post(mock, "/call/upsert_batch", { batch });
  const ids = await query(mock, {});
  assert.equal(ids.length, 2500);
  assert.equal(new Set(ids).size, 2500);
});

test("mock: one call is read by its id", async () => {
  await using mock = await withCalls();
  const read = (id: string) => post(mock, "/call/read", { project_id: PROJECT, id });
  assert.equal((await read("child")).json.call.parent_id, "root");
  assert.deepEqual((await read("none")).json, { call: null });
});

test("mock: objects are read by digest, version and latest", async () => {
  await using mock = await startMockServer();
  const create = async (val: unknown) =>
    (await post(mock, "/obj/create", { obj: { project_id: PROJECT, object_id: "o", val } })).json
      .digest;
  const read = (digest: string) =>
    post(mock, "/obj/read", { project_id: PROJECT, object_id: "o", digest });
  const first = await create("one");
  const second = await create("two");
  assert.equal((await read(first)).json.obj.val, "one");
  assert.equal((await read("v1")).json.obj.digest, second);
  assert.equal((await read("latest")).json.obj.val, "two");
  assert.equal((await read("none")).status, 404);

  await create("one");
  assert.equal((await read("latest")).json.obj.val, "one", "a replay makes the old one latest");
  assert.equal(mock.store.counts.duplicateObjects, 1);
  const { json } = await post(mock, "/objs/query", {
    project_id: PROJECT,
    filter: { object_ids: ["o"], latest_only: true },
  });
  assert.deepEqual(json.objs.map((obj: { digest: string }) => obj.digest), [first]);
});

test("mock: an op definition is an object of the kind op", async () => {
  await using mock = await startMockServer();
  const val = { _type: "CustomWeaveType", weave_type: { type: "Op" }, files: { "obj.py": "x" } };
  await post(mock, "/obj/create", { obj: { project_id: PROJECT, object_id: "f", val } });
  const query = async (is_op: boolean) =>
    (await post(mock, "/objs/query", { project_id: PROJECT, filter: { is_op } })).json.objs.length;
  assert.equal(await query(true), 1);
  assert.equal(await query(false), 0);
});

test("mock: tables return their rows in order, page by page", async () => {
  await using mock = await startMockServer();
  const { json: { digest, row_digests } } = await post(mock, "/table/create", {
    table: { project_id: PROJECT, rows: [{ x: 1 }, { x: 2 }, { x: 1 }] },
  });
  const read = (more: Record<string, unknown>) =>
    post(mock, "/table/query", { project_id: PROJECT, digest, ...more });
  assert.deepEqual((await read({})).json.rows, [
    { digest: row_digests[0], val: { x: 1 }, original_index: 0 },
    { digest: row_digests[1], val: { x: 2 }, original_index: 1 },
    { digest: row_digests[0], val: { x: 1 }, original_index: 2 },
  ]);
  assert.equal((await read({ offset: 1, limit: 1 })).json.rows[0].val.x, 2);
  assert.deepEqual((await read({ digest: "none" })).json, { rows: [] }, "as an empty table");
});

test("mock: files are read byte for byte under both paths", async () => {
  await using mock = await startMockServer();
  const bytes = new Uint8Array([0, 255, 10, 13, 0]);
  const form = new FormData();
  form.append("project_id", PROJECT);
  form.append("file", new Blob([bytes]), "f.bin");
  const { json: { digest } } = await send(`${mock.url}/files/create`, {
    method: "POST",
    body: form,
  });
  for (const path of ["/files/content", "/file/content"]) {
    const response = await fetch(mock.url + path, {
      method: "POST",
      body: JSON.stringify({ project_id: PROJECT, digest }),
    });
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes);
  }
  const missing = await post(mock, "/files/content", { project_id: PROJECT, digest: "none" });
  assert.equal(missing.status, 404);
});

test("mock: a server may know one of the file paths only", async () => {
  await using mock = await startMockServer({ filePaths: "old" });
  const create = (path: string) => {
    const form = new FormData();
    form.append("project_id", PROJECT);
    form.append("file", new Blob(["x"]), "x");
    return send(mock.url + path, { method: "POST", body: form });
  };
  assert.equal((await create("/files/create")).status, 404);
  const { json: { digest } } = await create("/file/create");
  const read = (path: string) => post(mock, path, { project_id: PROJECT, digest });
  assert.equal((await read("/files/content")).status, 404);
  assert.equal((await read("/file/content")).text, "x");
  mock.configure({ filePaths: "new" });
  assert.equal((await create("/file/create")).status, 404);
  assert.equal((await create("/files/create")).status, 200);
});

test("mock: an older server has no feedback batch", async () => {
  await using mock = await startMockServer({ feedbackBatch: false });
  assert.equal((await post(mock, "/feedback/batch/create", { batch: [] })).status, 404);
});

test("mock: feedback can be queried", async () => {
  await using mock = await startMockServer();
  await post(mock, "/feedback/create", {
    project_id: PROJECT,
    weave_ref: "r",
    feedback_type: "wandb.runnable.score",
    payload: { output: 1 },
    runnable_ref: `weave:///${PROJECT}/op/score:abc`,
    call_ref: `weave:///${PROJECT}/call/c`,
  });
  const { json } = await post(mock, "/feedback/query", { project_id: PROJECT });
  assert.equal(json.result[0].call_ref, `weave:///${PROJECT}/call/c`);
  assert.equal(json.result[0].creator, null);
  assert.equal(json.total_count, 1);
  const some = await post(mock, "/feedback/query", { project_id: PROJECT, fields: ["payload"] });
  assert.deepEqual(some.json.result, [{ payload: { output: 1 } }]);
});

test("mock: health, server info and the viewer answer", async () => {
  await using mock = await startMockServer({ defaultEntity: "mine" });
  assert.equal((await send(`${mock.url}/health`)).status, 200);
  const info = await send(`${mock.url}/server_info`);
  assert.equal(typeof info.json.min_required_weave_python_version, "string");
  const viewer = await post(mock, "/graphql", {
    query: "{ viewer { username defaultEntity { name } } }",
  });
  assert.equal(viewer.json.data.viewer.defaultEntity.name, "mine");
});

test("mock: with a key, no key is 401 and another is 403", async () => {
  await using mock = await startMockServer({ apiKey: "secret" });
  const read = (authorization?: string) =>
    post(mock, "/calls/stream_query", { project_id: PROJECT }, {
      headers: authorization === undefined ? {} : { authorization },
    });
  assert.equal((await read()).status, 401);
  assert.equal((await read(`Basic ${btoa("api:wrong")}`)).status, 403);
  assert.equal((await read(`Basic ${btoa("api:secret")}`)).status, 200);
  assert.equal((await send(`${mock.url}/health`)).status, 200);
  mock.configure({ apiKey: "rotated" });
  assert.equal((await read(`Basic ${btoa("api:secret")}`)).status, 403);
});

test("mock: a body over the limit is 413, one at the limit is taken", async () => {
  const body = JSON.stringify({ start: startOf("a") });
  await using mock = await startMockServer({ bodyLimit: body.length });
  const write = (text: string) => send(`${mock.url}/call/start`, { method: "POST", body: text });
  assert.equal((await write(body)).status, 200);
  assert.equal((await write(`${body} `)).status, 413);
});

test("mock: the default limit is 32 MiB", async () => {
  await using mock = await startMockServer();
  const write = (size: number) =>
    send(`${mock.url}/call/start`, { method: "POST", body: new Uint8Array(size) });
  assert.equal((await write(32 * 1024 * 1024)).status, 422);
  assert.equal((await write(32 * 1024 * 1024 + 1)).status, 413);
});
