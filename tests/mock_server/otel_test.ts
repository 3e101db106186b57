import assert from "node:assert/strict";
import { joinBytes } from "../../src/protocol/otlp/wire.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { spanRequest } from "../support/otel/span_requests.ts";

async function send(
  url: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", project_id: "team/demo", ...headers },
    body: body.slice(),
  });
  return { status: response.status, text: await response.text() };
}

async function compressed(bytes: Uint8Array, format: CompressionFormat): Promise<Uint8Array> {
  const stream = new Blob([bytes.slice()]).stream().pipeThrough(new CompressionStream(format));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

test("mock server: spans of both views are stored once, with what was sent of them", async () => {
  await using mock = await startMockServer();
  const request = await spanRequest("answer", { "llm.model": "gpt" });
  for (let times = 0; times < 2; times++) {
    const { status, text } = await send(`${mock.url}/otel/v1/traces`, request);
    assert.deepEqual([status, JSON.parse(text)], [200, { partial_success: null }]);
  }
  const agents = await send(`${mock.url}/agents/otel/v1/traces`, request);
  assert.deepEqual(JSON.parse(agents.text), {
    accepted_spans: 1,
    rejected_spans: 0,
    error_message: "",
  });
  const spans = mock.store.spans("team/demo");
  assert.deepEqual(spans.map(({ view, name, attributes }) => [view, name, attributes]), [
    ["traces", "answer", { "llm.model": "gpt" }],
    ["agents", "answer", { "llm.model": "gpt" }],
  ]);
  const { spans: taken, duplicateSpans } = mock.store.counts;
  assert.deepEqual([taken, duplicateSpans], [3, 1]);
  const state = await (await fetch(`${mock.url}/__mock/spans?project=team/demo`)).json();
  assert.equal(state.length, 2);
});

test("mock server: compressed spans are read", async () => {
  await using mock = await startMockServer();
  for (const format of ["gzip", "deflate"] as const) {
    const body = await compressed(await spanRequest(format), format);
    const { status } = await send(`${mock.url}/otel/v1/traces`, body, {
      "content-encoding": format,
    });
    assert.equal(status, 200);
  }
  assert.deepEqual(mock.store.spans().map(({ name }) => name), ["gzip", "deflate"]);
});

test("mock server: spans whose attributes make no tree are rejected, the others are taken", async () => {
  await using mock = await startMockServer();
  const good = await spanRequest("good");
  const bad = await spanRequest("bad", { llm: "gpt", "llm.model": "gpt" });
  const { status, text } = await send(`${mock.url}/otel/v1/traces`, joinBytes([good, bad]));
  assert.equal(status, 200);
  const { partial_success: { rejected_spans, error_message } } = JSON.parse(text);
  assert.equal(rejected_spans, 1);
  assert.match(error_message, /name='bad'/);
  assert.deepEqual(mock.store.spans().map(({ name }) => name), ["good"]);
});

test("mock server: spans without a project, in another format or cut short are refused", async () => {
  await using mock = await startMockServer({ missingProjects: ["lost/demo"] });
  const url = `${mock.url}/otel/v1/traces`;
  const request = await spanRequest("answer");
  assert.equal((await send(url, request, { project_id: "" })).status, 400);
  assert.equal((await send(url, request, { project_id: "lost/demo" })).status, 404);
  assert.equal((await send(url, request, { "content-type": "application/json" })).status, 400);
  assert.equal((await send(url, request.subarray(0, 20))).status, 400);
  assert.deepEqual(mock.store.spans(), []);
});
