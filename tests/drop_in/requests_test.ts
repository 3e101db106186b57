/**
 * The request level: the record made of each request of the SDK, and the response to it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { internalIdOf } from "../../tools/mock_server/store/store.ts";
import { objectDigest, serverDigest, tableDigest } from "../../src/protocol/digest/digest.ts";
import { isProvisional } from "../../src/protocol/digest/provisional.ts";
import { test } from "../harness.ts";
import {
  end,
  ground,
  HEADERS,
  KEY,
  others,
  SERVER,
  start,
  wholeEnd,
} from "../support/drop_in/requests_fixture.ts";

test("register: half a surrogate pair is replaced, and digests are of what is sent", async () => {
  const { post, pipeline } = ground();
  const half = "😀".slice(0, 1);
  await post("/call/upsert_batch", {
    batch: [{ mode: "start", req: { start: { ...start("a"), inputs: { [half]: half } } } }],
  });
  const obj = (text: string) => ({ obj: { project_id: "team/p", object_id: "o", val: { text } } });
  const { digest } = await post("/obj/create", obj(half));
  assert.equal(digest, (await post("/obj/create", obj("\ufffd"))).digest);
  await post("/feedback/create", { project_id: "team/p", payload: { text: `\\${half}` } });
  for (const { text } of pipeline.records) assert.doesNotMatch(text, /(?<!\\)\\ud[89a-f]/);
  assert.deepEqual(pipeline.of("call_start")[0].start.inputs, { "\ufffd": "\ufffd" });
  assert.deepEqual(pipeline.of("feedback_create")[0].payload, { text: "\\\ufffd" });
});

test("register: a batch of starts and ends is recorded call by call", async () => {
  const { post, pipeline, sent } = ground();
  const reply = await post("/call/upsert_batch", {
    batch: [
      { mode: "start", req: { start: start("a") } },
      { mode: "start", req: { start: start("b") } },
      { mode: "end", req: { end: { ...end("a"), display_name: "another call's" } } },
    ],
  });
  assert.deepEqual(reply, {
    res: [{ id: "a", trace_id: "trace-a" }, { id: "b", trace_id: "trace-b" }, {}],
  });
  assert.deepEqual(pipeline.of("call_start").map((req) => req.start), [start("a"), start("b")]);
  assert.deepEqual(pipeline.of("call_end").map((req) => req.end), [wholeEnd("a")]);
  const [, , { text }] = pipeline.records;
  assert.ok(text.startsWith('{"end":{"project_id":"team/p","id":"a","trace_id":"trace-a","st'));
  assert.deepEqual(others(sent), []);
});

test("register: all call paths are recorded, and missing ids are generated", async () => {
  const { post, pipeline } = ground();
  const { id: _, trace_id: __, ...bare } = start("x");
  const made = await post("/call/start", { start: bare });
  assert.match(made.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  assert.deepEqual(pipeline.of("call_start")[0].start, { ...bare, ...made });
  assert.deepEqual(await post("/call/end", { end: end(made.id) }), {});
  assert.equal(pipeline.of("call_end")[0].end.trace_id, made.trace_id);
  await post("/v2/team/p/call/start", { start: start("v2") });
  await post("/v2/team/p/call/end", { end: wholeEnd("v2") });
  assert.deepEqual(pipeline.of("call_end")[1].end, wholeEnd("v2"));
  const whole = { ...start("c"), ...end("c"), wb_run_step: 1, wb_run_step_end: 2 };
  assert.deepEqual(await post("/v2/team/p/calls/complete", { batch: [whole] }), {});
  assert.deepEqual(pipeline.of("call_start")[2].start, { ...start("c"), wb_run_step: 1 });
  assert.deepEqual(pipeline.of("call_end")[2].end, { ...wholeEnd("c"), wb_run_step_end: 2 });
});

test("register: an end whose start came from another process is recorded as it is", async () => {
  const { post, pipeline } = ground();
  await post("/call/end", { end: end("unpaired") });
  assert.deepEqual(pipeline.of("call_end"), [{ end: end("unpaired") }]);
});

test("register: objects and tables get the digests that the server computes", async () => {
  const { post, pipeline } = ground();
  const val = { "z": 1e-7, "ä": ["\u{1f600}", null] };
  const obj = { project_id: "team/p", object_id: "o", val };
  assert.equal((await post("/obj/create", { obj })).digest, objectDigest(val));
  assert.deepEqual(pipeline.of("obj_create"), [{ obj }]);
  const rows = [{ a: 1 }, { b: "é" }];
  const made = await post("/table/create", { table: { project_id: "team/p", rows } });
  const digests = rows.map((row) => objectDigest(row));
  assert.deepEqual(made, { digest: tableDigest(digests), row_digests: digests });
  assert.deepEqual(pipeline.of("table_create"), [{ table: { project_id: "team/p", rows } }]);
  const body = { project_id: "team/p", row_digests: digests };
  assert.deepEqual(await post("/table/create_from_digests", body), { digest: made.digest });
});

test("register: a value that holds refs is digested with the project's internal id", async () => {
  const val = { rows: "weave:///team/p/table/abc" };
  const obj = { project_id: "team/p", object_id: "o", val };
  const lookUp = (project: string) => internalIdOf(project);
  const infos = [{
    external_project_id: "team/p",
    internal_project_id: internalIdOf("team/p"),
  }];
  const known = ground({ answer: () => Response.json(infos) });
  const { digest } = await known.post("/obj/create", { obj });
  assert.equal(digest, serverDigest(val, lookUp));
  assert.equal(known.sent.filter((path) => path === "/service/projects_info").length, 1);

  const unknown = ground({ answer: () => Promise.reject(new TypeError("fetch failed")) });
  const provisional = (await unknown.post("/obj/create", { obj })).digest;
  assert.ok(isProvisional(provisional), provisional);
  const { expected_digest, ...rest } = unknown.pipeline.of("obj_create")[0].obj;
  assert.deepEqual([expected_digest, rest], [provisional, obj]);
});

test("register: a value of a class that the server rewrites has no digest known in advance", async () => {
  const { post, pipeline } = ground();
  const obj = { project_id: "team/p", object_id: "o", val: 1, builtin_object_class: "Leaderboard" };
  const { digest } = await post("/obj/create", { obj });
  assert.ok(isProvisional(digest));
  assert.equal(pipeline.of("obj_create")[0].obj.expected_digest, digest);
});

test("register: a change of a table is recorded if the table is known, otherwise it is sent", async () => {
  const { post, pipeline, sent } = ground();
  const rows = [{ a: 1 }, { a: 2 }];
  const { digest, row_digests } = await post("/table/create", {
    table: { project_id: "team/p", rows },
  });
  const updates = [{ pop: { index: 0 } }, { append: { row: { a: 3 } } }, {
    insert: { index: 0, row: { a: 0 } },
  }];
  const body = { project_id: "team/p", base_digest: digest, updates };
  const [zero, three] = [{ a: 0 }, { a: 3 }].map((row) => objectDigest(row));
  assert.deepEqual(await post("/table/update", body), {
    digest: tableDigest([zero, row_digests[1], three]),
    updated_row_digests: [row_digests[0], three, zero],
  });
  assert.deepEqual(pipeline.of("table_update"), [body]);
  assert.deepEqual(await post("/table/update", { ...body, base_digest: "other" }), {
    from: "server",
  });
  assert.deepEqual(others(sent), ["/table/update"]);
});

test("register: files are recorded, texts as texts and all else as bytes", async () => {
  const { fetch, pipeline } = ground();
  const { "Content-Type": _, ...headers } = HEADERS;
  const save = async (content: BlobPart, name?: string) => {
    const body = new FormData();
    body.append("project_id", "team/p");
    if (name) body.append("file", new Blob([content]), name);
    else body.append("file", new Blob([content]));
    const answer = await fetch(`${SERVER}/file/create`, { method: "POST", headers, body });
    return (await answer.json()).digest;
  };
  assert.equal(await save("hello world"), "uU0nuZNNPgilLlLX2n2rXsSE7XN6U4DukIj3rOLvzek");
  await save("\ufeffwith a mark", "marked.txt");
  await save(new Uint8Array([0xff, 0, 1]), "bytes.bin");
  assert.deepEqual(pipeline.of("file_create"), [
    { project_id: "team/p", name: "blob", content: "hello world" },
    { project_id: "team/p", name: "marked.txt", content: "\ufeffwith a mark" },
    { project_id: "team/p", name: "bytes.bin", content_base64: "/wAB" },
  ]);
});

test("register: feedback gets an id of its own, costs and other writes are recorded as they are", async () => {
  const { post, pipeline } = ground();
  const feedback = {
    project_id: "team/p",
    weave_ref: "weave:///team/p/call/a",
    feedback_type: "wandb.note.1",
    payload: { note: "fine" },
  };
  const { id, payload } = await post("/feedback/create", feedback);
  assert.deepEqual(payload, feedback.payload);
  const { res } = await post("/feedback/batch/create", {
    batch: [feedback, { ...feedback, id: "own" }],
  });
  assert.equal(res[1].id, "own");
  assert.deepEqual(pipeline.of("feedback_create").map((req) => req.id), [id, res[0].id, "own"]);
  await post("/feedback/replace", { ...feedback, feedback_id: id });
  assert.equal(pipeline.of("feedback_replace")[0].feedback_id, id);

  const update = { project_id: "team/p", call_id: "a", display_name: "new" };
  assert.deepEqual(await post("/call/update", update), {});
  assert.deepEqual(pipeline.of("call_update"), [update]);
  const deletion = { project_id: "team/p", call_ids: ["a", "b"] };
  assert.deepEqual(await post("/calls/delete", deletion), { num_deleted: 2 });
  assert.deepEqual(pipeline.of("calls_delete"), [deletion]);
  const cost = {
    project_id: "team/p",
    costs: { m: { prompt_token_cost: 1, completion_token_cost: 2 } },
  };
  assert.deepEqual(await post("/cost/create", cost), { ids: [] });
  assert.deepEqual(pipeline.of("cost_create"), [cost]);
});

test("register: a multi-line body becomes a single-line record", async () => {
  const { fetch, pipeline } = ground();
  const body = JSON.stringify({ project_id: "team/p", call_ids: ["a"] }, null, 2);
  await fetch(`${SERVER}/calls/delete`, { method: "POST", headers: HEADERS, body });
  assert.equal(pipeline.records[0].text, '{"project_id":"team/p","call_ids":["a"]}');
});

test("register: the log goes to the server and with the key of the request", async () => {
  const { post, pipeline } = ground({ env: { WF_TRACE_SERVER_URL: "http://other.example.com" } });
  await post("//calls/delete", { project_id: "team/p", call_ids: [] });
  const { serverUrl, apiKey, entity, project, wal } = pipeline.options!;
  assert.deepEqual([serverUrl, apiKey, entity, project, wal], [SERVER, KEY, "team", "p", true]);
});
