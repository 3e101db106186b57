/**
 * Writes of the official SDK are redacted before they are logged, and before they are
 * sent to the server if the log cannot be written.
 *
 * @module
 */

import assert from "node:assert/strict";
import { intercepting } from "../../src/drop_in/intercept/intercept.ts";
import { SdkLogs } from "../../src/drop_in/logs/sdk_logs.ts";
import { replaceQueue } from "../../src/drop_in/patch/sdk_client.ts";
import type { InitOptions } from "../../src/client/settings/options.ts";
import { bytesDigest, objectDigest } from "../../src/protocol/digest/digest.ts";
import { type Any, FakePipeline } from "../support/client/client_fixture.ts";
import { MemoryRuntime } from "../support/simulated_runtime/memory.ts";
import { test } from "../harness.ts";

const SERVER = "https://trace.example.com/traces";
const KEY = "0123456789abcdef0123456789abcdef01234567";
const R = "[REDACTED]";
const project_id = "team/demo";

function ground(options: InitOptions = {}, isBroken = false) {
  const pipeline = new FakePipeline();
  const sent: Any[] = [];
  const runtime = new MemoryRuntime();
  const logged: string[] = [];
  const next = async (_: RequestInfo | URL, init?: RequestInit) => {
    sent.push(init?.body);
    return await Promise.resolve(Response.json({ digest: "d" }));
  };
  const logs = new SdkLogs(options, {
    runtime,
    fetch: next as typeof globalThis.fetch,
    sink: { warn: (line) => logged.push(line) },
    openPipeline: () => {
      if (isBroken) throw new Error("no log here");
      return pipeline;
    },
  });
  const fetch = intercepting(logs, next as typeof globalThis.fetch, { trusted: true });
  const headers = { Authorization: `Basic ${btoa(`api:${KEY}`)}` };
  return {
    logs,
    pipeline,
    sent,
    async post(path: string, body: unknown): Promise<Any> {
      const text = body instanceof FormData ? body : JSON.stringify(body);
      const init = { method: "POST", headers, body: text };
      return await (await fetch(SERVER + path, init)).json();
    },
  };
}

const value = { api_key: "s3cr3t", say: `Bearer s3cr3t-1 or ${KEY}`, n: 1 };
const clean = { api_key: R, say: `Bearer ${R} or ${R}`, n: 1 };
const start = { project_id, id: "c", op_name: "o", trace_id: "t", started_at: "x" };

function file(name: string, content: string): FormData {
  const form = new FormData();
  form.set("project_id", project_id);
  form.set("file", new File([content], name));
  return form;
}

/** Makes every write of the SDK that contains values. */
async function writeAll(post: (path: string, body: unknown) => Promise<Any>): Promise<void> {
  await post("/call/start", { start: { ...start, inputs: value, attributes: value } });
  await post("/call/end", { end: { project_id, id: "c", output: value, summary: {} } });
  await post("/call/upsert_batch", {
    batch: [{ mode: "start", req: { start: { ...start, inputs: value, attributes: {} } } }],
  });
  await post("/call/update", { project_id, call_id: "c", display_name: value.say });
  await post("/obj/create", { obj: { project_id, object_id: "o", val: value } });
  await post("/table/create", { table: { project_id, rows: [value] } });
  await post("/table/update", {
    project_id,
    base_digest: "unknown",
    updates: [{ append: { row: value } }],
  });
  await post("/feedback/create", {
    project_id,
    weave_ref: "r",
    feedback_type: "f",
    payload: value,
  });
  await post("/file/create", file("password.txt", "s3cr3t"));
  await post("/file/create", file("obj.py", `const password = "s3cr3t";`));
}

test("redaction of the SDK's writes: no write brings a secret into the log", async () => {
  const { post, pipeline, sent } = ground();
  await writeAll(post);
  assert.equal(pipeline.records.length, 9);
  const all = JSON.stringify([pipeline.records.map(({ text }) => text), sent]);
  for (const secret of ["s3cr3t", KEY]) assert.ok(!all.includes(secret), all);
  const [first] = pipeline.of("call_start");
  assert.deepEqual(first.start.inputs, clean);
  const toServer = sent.filter((body) => typeof body === "string" && body.includes("base_digest"));
  assert.equal(toServer.length, 1, "a table of which only the server knows the rows");
});

test("redaction of the SDK's writes: digests are those of what is written", async () => {
  const { post } = ground();
  const object = await post("/obj/create", { obj: { project_id, object_id: "o", val: value } });
  assert.equal(object.digest, objectDigest(clean));
  const saved = await post("/file/create", file("password.txt", "s3cr3t"));
  assert.equal(saved.digest, bytesDigest(new TextEncoder().encode(R)));
});

test("redaction of the SDK's writes: a server gets no secret where the log takes nothing", async () => {
  const { post, sent } = ground({}, true);
  await writeAll(post);
  assert.equal(sent.length, 10);
  for (const body of sent) {
    const text = body instanceof FormData ? await (body.get("file") as File).text() : body;
    for (const secret of ["s3cr3t", KEY]) assert.ok(!text.includes(secret), text);
  }
});

test("redaction of the SDK's writes: calls from its queue are redacted too", () => {
  const { logs, pipeline } = ground();
  const log = logs.of({ server: SERVER, projectId: project_id, apiKey: KEY });
  const queue = { saveCallStart: (_: Any) => {}, saveCallEnd: (_: Any) => {} };
  replaceQueue(queue, () => log);
  queue.saveCallStart({ ...start, inputs: value });
  queue.saveCallEnd({ project_id, id: "c", output: value, summary: {} });
  assert.deepEqual(pipeline.of("call_start")[0].start.inputs, clean);
  assert.deepEqual(pipeline.of("call_end")[0].end.output, clean);
});

test("redaction of the SDK's writes: redact gets each value once", async () => {
  const seen: string[] = [];
  const { logs, post, pipeline } = ground({
    redact: (key, value) => {
      seen.push(key);
      return typeof value === "string" ? `${value}!` : value;
    },
  });
  await post("/call/start", { start: { ...start, inputs: { a: "x" }, attributes: {} } });
  await post("/table/create", { table: { project_id, rows: [{ b: "x" }] } });
  await post("/file/create", file("notes.txt", "x"));
  const log = logs.of({ server: SERVER, projectId: project_id, apiKey: KEY });
  const queue = { saveCallStart: (_: Any) => {}, saveCallEnd: (_: Any) => {} };
  replaceQueue(queue, () => log);
  queue.saveCallStart({ ...start, inputs: { c: "x" } });
  assert.deepEqual(pipeline.of("call_start").map(({ start }) => start.inputs), [
    { a: "x!" },
    { c: "x!" },
  ]);
  assert.deepEqual(pipeline.of("table_create")[0].table.rows, [{ b: "x!" }]);
  assert.equal(pipeline.of("file_create")[0].content, "x!");
  assert.deepEqual(seen.filter((key) => ["a", "b", "c", "notes.txt"].includes(key)), [
    "a",
    "b",
    "notes.txt",
    "c",
  ]);
});
