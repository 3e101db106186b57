/**
 * Reads of the SDK wait for its writes; requests by others are passed through.
 *
 * @module
 */

import assert from "node:assert/strict";
import { intercepting } from "../../src/drop_in/intercept/intercept.ts";
import { isProvisional, provisionalDigest } from "../../src/protocol/digest/provisional.ts";
import type { FlushOptions } from "../../src/client/pipeline/pipeline.ts";
import { test } from "../harness.ts";
import { ground, HEADERS, others, SERVER } from "../support/drop_in/requests_fixture.ts";

test("register: an unresponsive server is waited for once, for a second", async () => {
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
  // The clock is stopped: a waiting request would never end.
  assert.ok(isProvisional(await publish()));
  assert.deepEqual([givenUp, sent], [0, ["/service/projects_info"]]);
  // In flight, the request would keep an otherwise finished program alive.
  await runtime.time.elapse(2000);
  assert.equal(givenUp, 1);
});

test("register: a read by a provisional digest uses the server's once that is known", async () => {
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

test("register: only the SDK's own check for a table it just created is answered locally", async () => {
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

test("register: reads wait for earlier writes, and are sent unchanged", async () => {
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

test("register: a read forwarded by the client's fetch is not handled a second time", async () => {
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

test("register: requests of other code are untouched, whatever their path", async () => {
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

test("register: a request of the SDK is recognized in every form that fetch accepts", async () => {
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
