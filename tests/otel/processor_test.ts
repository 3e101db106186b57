/**
 * The span processor and the exporter with OpenTelemetry's own SDK.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { WalSpanProcessor } from "../../src/otel/otel.ts";
import { fromBase64 } from "../../src/protocol/json/base64.ts";
import { readSpans } from "../../src/protocol/otlp/spans.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { clientFixture } from "../support/client/client_fixture.ts";
import { test } from "../harness.ts";
import { finished, recording, spansOf, tracerOf } from "../support/otel/processor_fixture.ts";

test("otel: a span is on disk before end() returns", async () => {
  const directory = mkdtempSync(join(tmpdir(), "weave-wal-otel-"));
  const processor = new WalSpanProcessor({
    project: "team/demo",
    sender: false,
    walDir: directory,
    logLevel: "error",
  });
  try {
    const tracer = tracerOf(processor);
    const records = () =>
      readdirSync(join(directory, "team", "demo")).filter((name) => name.endsWith(".jsonl"))
        .flatMap((name) => readFileSync(join(directory, "team", "demo", name), "utf8").split("\n"))
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line).req);
    for (let i = 1; i <= 3; i++) {
      tracer.startSpan(`span ${i}`).end();
      const last = records().at(-1);
      assert.equal(records().length, i);
      assert.equal(last.project_id, "team/demo");
      assert.deepEqual(readSpans(fromBase64(last.request_base64)).map(({ name }) => name), [
        `span ${i}`,
      ]);
    }
  } finally {
    await processor.shutdown();
    rmSync(directory, { recursive: true });
  }
});

for (const view of ["traces", "agents"] as const) {
  test(`otel: spans arrive unchanged in the ${view} view`, async () => {
    await using mock = await startMockServer();
    const directory = mkdtempSync(join(tmpdir(), "weave-wal-otel-"));
    try {
      const processor = new WalSpanProcessor({
        project: "team/demo",
        apiKey: "test-key",
        serverUrl: mock.url,
        walDir: directory,
        view,
        logLevel: "error",
      });
      const provider = new BasicTracerProvider({
        spanProcessors: [processor],
        resource: resourceFromAttributes({ "service.name": "shop" }),
      });
      const tracer = provider.getTracer("tests", "1.2.3");
      const root = tracer.startSpan("answer", { startTime: [1_000, 5] });
      const attributes = { text: "é", n: 3, half: 0.5, yes: true, list: ["a", "b"] };
      const inside = trace.setSpan(context.active(), root);
      const child = tracer.startSpan("search", { attributes, startTime: [1_000, 7] }, inside);
      child.setStatus({ code: SpanStatusCode.ERROR, message: "nothing found" });
      child.end([1_001, 0]);
      root.end([1_002, 0]);
      await processor.forceFlush();
      const [first, second] = mock.store.spans("team/demo");
      assert.deepEqual([first.view, first.name, second.name], [view, "search", "answer"]);
      assert.equal(first.parentSpanId, second.spanId);
      assert.equal(first.traceId, root.spanContext().traceId);
      assert.deepEqual(first.attributes, attributes);
      assert.deepEqual(first.status, { code: "error", message: "nothing found" });
      assert.deepEqual([first.startTime, second.endTime], ["1000000000007", "1002000000000"]);
      assert.equal(second.resource["service.name"], "shop");
      await provider.shutdown();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

test("otel: without options the spans go to the client that init opened", async () => {
  using fixture = await clientFixture();
  tracerOf(new WalSpanProcessor()).startSpan("answer").end();
  assert.deepEqual(fixture.pipeline.records.map(({ type }) => type), ["otel_traces"]);
  assert.equal(fixture.pipeline.records[0].req.project_id, "team/demo");
});

test("otel: names, attributes, events, links and resources are redacted", async () => {
  const made = await recording({ redactPatterns: [/card \d+/] }, {
    resource: resourceFromAttributes({ "process.env.api_key": "abcdefgh", "service.name": "s" }),
  });
  const { tracer } = made;
  const link = {
    context: tracer.startSpan("linked").spanContext(),
    attributes: { password: "x1" },
  };
  const span = tracer.startSpan("pay card 4711", {
    links: [link],
    attributes: {
      "http.request.header.authorization": "Bearer abcdef123",
      "llm.input": '{"password":"hunter2","n":1}',
      "llm.tokens": 12,
      key: "secret-key",
    },
  });
  span.addEvent("used card 4711", { cookie: "session=1", kept: "yes" });
  span.setStatus({ code: SpanStatusCode.ERROR, message: "card 4711 refused" });
  span.end();
  const [found] = spansOf(made);
  assert.equal(found.name, "pay [REDACTED]");
  assert.deepEqual(found.attributes, {
    "http.request.header.authorization": "[REDACTED]",
    "llm.input": '{"password":"[REDACTED]","n":1}',
    "llm.tokens": 12,
    // The client's own key.
    key: "[REDACTED]",
  });
  assert.equal(found.status.message, "[REDACTED] refused");
  assert.equal(found.resource["process.env.api_key"], "[REDACTED]");
  assert.equal(found.resource["service.name"], "s");
  const text = new TextDecoder().decode(fromBase64(made.pipeline.records[0].req.request_base64));
  for (const secret of ["4711", "session=1", "x1", "hunter2", "abcdef"]) {
    assert.equal(text.includes(secret), false, secret);
  }
  assert.ok(text.includes("kept"));
});

test("otel: trace states, scopes and schemas are redacted", async () => {
  const made = await recording();
  const secret = "sk-abcdefghijklmnopqrstuvwxyz";
  const state = { ...finished().spanContext(), traceState: { serialize: () => `v=${secret}` } };
  made.processor.onEnd({
    ...finished(),
    spanContext: () => state,
    links: [{ context: state }],
    resource: { attributes: {}, schemaUrl: `https://x/?api_key=${secret}` },
    instrumentationScope: { name: secret, version: secret, schemaUrl: `https://x/${secret}` },
  });
  const bytes = fromBase64(made.pipeline.records[0].req.request_base64);
  const text = new TextDecoder().decode(bytes);
  assert.doesNotMatch(text, /abcdefghij/);
  assert.equal(text.split("[REDACTED]").length - 1, 6);
});

test("otel: redact gets the values of spans, and spans that it creates are not recorded", async () => {
  const made = await recording({
    redact: (key, value) => {
      made.tracer.startSpan("inner").end();
      return key === "prompt" ? "removed" : value;
    },
  });
  made.tracer.startSpan("ask", { attributes: { prompt: "personal", n: 1 } }).end();
  const spans = spansOf(made);
  assert.deepEqual(spans.map(({ name, attributes }) => [name, attributes]), [
    ["ask", { prompt: "removed", n: 1 }],
  ]);
});

test("otel: long values are described, and a span too large for a request keeps its place", async () => {
  const made = await recording();
  const text = "x".repeat(9_000_000);
  made.tracer.startSpan("long", { attributes: { text, n: 1 } }).end();
  const wide = "あ".repeat(7_900_000);
  const span = made.tracer.startSpan("wide", { attributes: { wide } });
  span.addEvent("wide", { wide });
  span.end();
  const [long, placed] = spansOf(made);
  assert.deepEqual(long.attributes, {
    text: { _type: "string", length: 9_000_000, omitted: "over the size limit" },
    n: 1,
  });
  assert.match(String(placed.attributes["weave_wal.omitted"]), /^4\d{7} bytes, over/);
  assert.equal(placed.name, "wide");
});

test("otel: spans of version 1 of the SDK keep their parent and their scope", async () => {
  const made = await recording();
  made.processor.onEnd({
    ...finished(),
    parentSpanId: "fedcba9876543210",
    instrumentationLibrary: { name: "library", version: "1" },
  });
  const [span] = spansOf(made);
  assert.deepEqual([span.name, span.parentSpanId], ["old", "fedcba9876543210"]);
  const bytes = fromBase64(made.pipeline.records[0].req.request_base64);
  assert.ok(new TextDecoder().decode(bytes).includes("library"));
});

test("otel: resource attributes resolved later are in later spans", async () => {
  let found = (_: string): void => {};
  const resource = resourceFromAttributes({
    "service.name": "s",
    "host.id": new Promise<string>((resolve) => found = resolve),
  });
  const made = await recording({}, { resource });
  made.tracer.startSpan("early").end();
  found("h1");
  await resource.waitForAsyncAttributes?.();
  made.tracer.startSpan("late").end();
  const resources = spansOf(made).map(({ resource }) => resource);
  assert.deepEqual(resources.map((one) => [one["service.name"], one["host.id"]]), [
    ["s", undefined],
    ["s", "h1"],
  ]);
});
