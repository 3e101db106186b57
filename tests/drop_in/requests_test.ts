/**
 * The request level: what is recorded of each request of the SDK, and what it is answered.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MemoryRuntime } from "../support/simulated_runtime/memory.ts";
import { intercepting } from "../../src/drop_in/intercept/intercept.ts";
import { SdkLogs } from "../../src/drop_in/logs/sdk_logs.ts";
import { internalIdOf } from "../../tools/mock_server/store/store.ts";
import { objectDigest, serverDigest, tableDigest } from "../../src/protocol/digest/digest.ts";
import { isProvisional, provisionalDigest } from "../../src/protocol/digest/provisional.ts";
import type { FlushOptions } from "../../src/client/pipeline/pipeline.ts";
import { type Any, FakePipeline } from "../support/client/client_fixture.ts";
import { test } from "../harness.ts";

const SERVER = "https://trace.example.com/traces";
const KEY = "k".repeat(40);
const HEADERS = {
  "User-Agent": "W&B Weave JS Client unknown",
  Authorization: `Basic ${btoa(`api:${KEY}`)}`,
  "Content-Type": "application/json",
};

interface Ground {
  logs: SdkLogs;
  runtime: MemoryRuntime;
  pipeline: FakePipeline;
  /** Requests that went on to the network, the SDK's and the log's own. */
  sent: string[];
  logged: string[];
  fetch: ReturnType<typeof intercepting>;
  post(path: string, body: unknown): Promise<Any>;
}

function ground(
  host: {
    trusted?: boolean;
    env?: Record<string, string>;
    answer?: (url: string, init?: RequestInit) => Response | Promise<Response>;
  } = {},
): Ground {
  const { trusted = false, env = {}, answer = () => Response.json({ from: "server" }) } = host;
  const pipeline = new FakePipeline();
  const sent: string[] = [];
  const logged: string[] = [];
  const next = async (input: RequestInfo | URL, init?: RequestInit) => {
    const url = input instanceof Request ? input.url : String(input);
    sent.push(url.replace(SERVER, ""));
    return await answer(url, init);
  };
  const runtime = new MemoryRuntime({ env });
  const logs = new SdkLogs({}, {
    runtime,
    fetch: next as typeof globalThis.fetch,
    sink: { warn: (line) => logged.push(line) },
    openPipeline: (options) => {
      pipeline.options = options;
      return pipeline;
    },
  });
  const fetch = intercepting(logs, next, { trusted });
  return {
    logs,
    runtime,
    pipeline,
    sent,
    logged,
    fetch,
    post: async (path, body) => {
      const init = { method: "POST", headers: HEADERS, body: JSON.stringify(body) };
      return await (await fetch(SERVER + path, init)).json();
    },
  };
}

/** Requests that are not about what the log itself wants to know. */
const others = (sent: string[]) => sent.filter((path) => path !== "/service/projects_info");

const start = (id: string) => ({
  project_id: "team/p",
  id,
  op_name: "weave:///team/p/op/f:abc",
  trace_id: `trace-${id}`,
  started_at: "2025-01-01T00:00:00.000Z",
  attributes: { a: 1 },
  inputs: { n: 1.5, text: "é" },
});
const end = (id: string) => ({
  project_id: "team/p",
  id,
  ended_at: "2025-01-01T00:00:01.000Z",
  output: [1, null],
  summary: {},
});
/** An end as it is recorded: with fields of its start. */
const wholeEnd = (id: string) => {
  const { trace_id, started_at } = start(id);
  const { project_id, id: _, ...rest } = end(id);
  return { project_id, id, trace_id, started_at, ...rest };
};

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

test("register: every path of calls is recorded, ids made where none is given", async () => {
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

test("register: an end whose start came from elsewhere is recorded as it is", async () => {
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

test("register: a server that never answers is waited for once, a second", async () => {
  let givenUp = 0;
  const { runtime, post, sent } = ground({
    answer: (_url, init) =>
      new Promise((_, reject) =>
        init!.signal!.addEventListener("abort", () => {
          givenUp++;
          reject(new DOMException("stop", "AbortError"));
        })
      ),
  });
  const publish = async () => {
    const obj = { project_id: "team/p", object_id: "o", val: "weave:///team/p/table/abc" };
    return (await post("/obj/create", { obj })).digest;
  };
  const first = publish();
  await runtime.time.elapse(1000);
  assert.ok(isProvisional(await first));
  // The clock is stopped: a request that waits would never end.
  assert.ok(isProvisional(await publish()));
  assert.deepEqual([givenUp, sent], [0, ["/service/projects_info"]]);
  // Under way, the question would keep a program that has nothing left to do.
  await runtime.time.elapse(2000);
  assert.equal(givenUp, 1);
});

test("register: a value of a class that the server rewrites has no digest that is known before", async () => {
  const { post, pipeline } = ground();
  const obj = { project_id: "team/p", object_id: "o", val: 1, builtin_object_class: "Leaderboard" };
  const { digest } = await post("/obj/create", { obj });
  assert.ok(isProvisional(digest));
  assert.equal(pipeline.of("obj_create")[0].obj.expected_digest, digest);
});

test("register: a read by a provisional digest asks for the server's, once that is known", async () => {
  const bodies: unknown[] = [];
  const { logs, post, pipeline } = ground();
  const ofClient = intercepting(logs, (_input, init) => {
    bodies.push(init?.body);
    return Promise.resolve(Response.json({}));
  }, { trusted: true });
  await post("/calls/delete", { project_id: "team/p", call_ids: [] });
  const provisional = provisionalDigest("0123456789abcdef".repeat(2));
  const body = JSON.stringify({
    digest: provisional,
    ref: `weave:///team/p/op/f:${provisional}/x`,
  });
  const read = () => ofClient(`${SERVER}/obj/read`, { method: "POST", headers: HEADERS, body });
  await read();
  pipeline.finalDigest = (digest) => digest === provisional ? "final" : digest;
  await read();
  assert.deepEqual(bodies, [body, body.replaceAll(provisional, "final")]);
});

test("register: only the SDK's own question for a table it just made is answered here", async () => {
  const { post, sent } = ground();
  const rows = [{ a: 1 }, { a: 2 }];
  const { digest, row_digests } = await post("/table/create", {
    table: { project_id: "team/p", rows },
  });
  const question = { project_id: "team/p", digest };
  assert.deepEqual(await post("/table/query", question), {
    rows: rows.map((val, i) => ({ digest: row_digests[i], val })),
  });
  assert.deepEqual(others(sent), []);
  assert.deepEqual(await post("/table/query", question), { from: "server" });
  assert.deepEqual(others(sent), ["/table/query"]);
});

test("register: a change of a table is recorded where the table is known, else it is sent", async () => {
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

test("register: a body of several lines becomes a record of one", async () => {
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

test("register: reads wait for what was written, and go on as they are", async () => {
  const { fetch, post, pipeline, sent } = ground();
  await post("/calls/delete", { project_id: "team/p", call_ids: [] });
  let flushes = 0;
  const { flush } = pipeline;
  pipeline.flush = () => {
    flushes++;
    assert.deepEqual(others(sent), []);
    return flush.call(pipeline);
  };
  const init = { method: "POST", headers: HEADERS, body: '{"project_id":"team/p"}' };
  assert.deepEqual(await (await fetch(`${SERVER}/obj/read`, init)).json(), { from: "server" });
  assert.equal(flushes, 1);
  pipeline.flush = flush;
  await (await fetch(`${SERVER}/health`, { headers: HEADERS })).body?.cancel();
  assert.equal(flushes, 1);
  assert.deepEqual(others(sent), ["/obj/read", "/health"]);
});

test("register: reads do not wait for a server that cannot be reached", async () => {
  const { fetch, post, pipeline, sent } = ground();
  await post("/calls/delete", { project_id: "team/p", call_ids: [] });
  let flushes = 0;
  const { flush } = pipeline;
  pipeline.flush = ({ signal }: FlushOptions = {}) => {
    flushes++;
    return new Promise((resolve) =>
      signal!.addEventListener("abort", () => resolve(flush.call(pipeline)))
    );
  };
  const tell = (name: "server-up" | "server-down") =>
    pipeline.options!.onEvent({ level: "info", name, message: name });
  const read = async () => {
    const init = { method: "POST", headers: HEADERS, body: "{}" };
    await (await fetch(`${SERVER}/obj/read`, init)).body?.cancel();
  };
  const waiting = read();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([flushes, others(sent).length], [1, 0]);
  tell("server-down");
  await waiting;
  await read();
  assert.deepEqual([flushes, others(sent).length], [1, 2]);
  tell("server-up");
  pipeline.flush = () => {
    flushes++;
    return flush.call(pipeline);
  };
  await read();
  assert.equal(flushes, 2);
});

test("register: a read that the client's fetch sent on is not looked at a second time", async () => {
  const { logs, fetch, post, pipeline } = ground();
  const ofClient = intercepting(logs, fetch, { trusted: true });
  await post("/calls/delete", { project_id: "team/p", call_ids: [] });
  let flushes = 0;
  const { flush } = pipeline;
  pipeline.flush = () => {
    flushes++;
    return flush.call(pipeline);
  };
  const init = { method: "POST", headers: HEADERS, body: "{}" };
  await (await ofClient(`${SERVER}/obj/read`, init)).body?.cancel();
  assert.equal(flushes, 1);
});

test("register: requests of others are untouched, whatever their path", async () => {
  const { fetch, pipeline, sent } = ground();
  const body = JSON.stringify({ obj: { project_id: "team/p", object_id: "o", val: 1 } });
  const requests: [RequestInfo | URL, RequestInit?][] = [
    ["https://api.openai.com/v1/chat/completions", { method: "POST", body }],
    [`${SERVER}/obj/create`, { method: "POST", body }],
    [`${SERVER}/obj/create`, { method: "POST", body, headers: { "User-Agent": "OpenAI/JS 6.0" } }],
    [`${SERVER}/obj/create`, { method: "POST", body, headers: [["user-agent", "x"]] }],
    [new URL(`${SERVER}/obj/create`), { method: "POST", body, headers: new Headers() }],
    [new Request(`${SERVER}/obj/create`, { method: "POST", body })],
  ];
  for (const [input, init] of requests) await (await fetch(input, init)).body?.cancel();
  assert.equal(pipeline.records.length, 0);
  assert.equal(sent.length, requests.length);
});

test("register: a request of the SDK is found in every form that fetch takes", async () => {
  const { fetch, pipeline, sent } = ground();
  const body = JSON.stringify({ project_id: "team/p", call_ids: ["a"] });
  const url = `${SERVER}/calls/delete`;
  const bytes = new TextEncoder().encode(body);
  await fetch(new URL(url), { method: "post", headers: new Headers(HEADERS), body });
  await fetch(url, { method: "POST", headers: Object.entries(HEADERS), body: bytes });
  await fetch(new Request(url, { method: "POST", headers: HEADERS, body }));
  assert.equal(pipeline.of("calls_delete").length, 3);
  assert.deepEqual(others(sent), []);
});

test("register: a request that cannot be recorded is sent to the server, with one warning", async () => {
  const { post, fetch, pipeline, sent, logged } = ground();
  const broken = { method: "POST", headers: HEADERS, body: "{" };
  assert.equal((await fetch(`${SERVER}/obj/create`, broken)).status, 200);
  assert.equal((await fetch(`${SERVER}/obj/create`, broken)).status, 200);
  await post("/calls/delete", { project_id: "../etc", call_ids: [] });
  await post("/feedback/purge", { project_id: "team/p" });
  assert.deepEqual(others(sent), [
    "/obj/create",
    "/obj/create",
    "/calls/delete",
    "/feedback/purge",
  ]);
  assert.equal(pipeline.records.length, 0);
  assert.equal(logged.length, 2, logged.join("\n"));
  assert.match(logged[1], /Cannot record a request of weave: .*\.\./);
});
