/**
 * The span processor and the exporter over OpenTelemetry's own SDK.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Attributes, context, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { isTracingSuppressed } from "@opentelemetry/core";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanProcessor,
  type TracerConfig,
} from "@opentelemetry/sdk-trace-base";
import { setGlobalClient } from "../../src/client/global_client.ts";
import type { InitOptions } from "../../src/client/settings/options.ts";
import { type SpanOptions, WalSpanExporter, WalSpanProcessor } from "../../src/otel/otel.ts";
import { fromBase64 } from "../../src/protocol/json/base64.ts";
import { readSpans, type Span } from "../../src/protocol/otlp/spans.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { clientFixture, type Fixture } from "../support/client/client_fixture.ts";
import { test } from "../harness.ts";

function tracerOf(processor: SpanProcessor, config: TracerConfig = {}) {
  return new BasicTracerProvider({ ...config, spanProcessors: [processor] }).getTracer("tests");
}

/** A client that collects records, and the tracer of a processor on it. */
async function recording(
  options: InitOptions = {},
  config: TracerConfig = {},
  spanOptions: SpanOptions = {},
) {
  const fixture = await clientFixture(options);
  const processor = new WalSpanProcessor({ client: fixture.client, ...spanOptions });
  return { ...fixture, processor, tracer: tracerOf(processor, config), client: fixture.client };
}

function spansOf({ pipeline }: Pick<Fixture, "pipeline">): Span[] {
  return pipeline.records.flatMap(({ req }) => readSpans(fromBase64(req.request_base64)));
}

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
  test(`otel: spans arrive in the ${view} view as they were`, async () => {
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
    key: "secret-key",
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

test("otel: redact gets the values of spans, and spans that it makes are not recorded", async () => {
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

test("otel: long values are described, and a span that no request could hold keeps its place", async () => {
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

test("otel: spans that the tracer does not sample are left out", async () => {
  const made = await recording({}, { sampler: new AlwaysOffSampler() });
  made.tracer.startSpan("unsampled").end();
  made.processor.onEnd({ ...finished(), spanContext: () => ({ ...IDS, traceFlags: 0 }) });
  assert.deepEqual(made.pipeline.records, []);
});

test("otel: sampleRate keeps or leaves out whole traces", async () => {
  const asked: string[] = [];
  const made = await recording({
    sampleRate: ({ name, attributes }) => {
      asked.push(`${name} ${attributes.tier}`);
      return name === "kept";
    },
  });
  for (const name of ["kept", "left"]) {
    const root = made.tracer.startSpan(name, { attributes: { tier: "gold" } });
    made.tracer.startSpan("child", {}, trace.setSpan(context.active(), root)).end();
    root.end();
  }
  assert.deepEqual(asked, ["kept gold", "left gold"]);
  assert.deepEqual(spansOf(made).map(({ name }) => name), ["child", "kept"]);
  assert.equal((await made.client.stats()).sampledOut, 2);
  const none = await recording({ sampleRate: 0 });
  none.tracer.startSpan("left").end();
  assert.deepEqual(none.pipeline.records, []);
});

const IDS = {
  traceId: "0123456789abcdef0123456789abcdef",
  spanId: "0123456789abcdef",
  traceFlags: 1,
};

function finished(attributes: Attributes = {}) {
  const time = (seconds: number): [number, number] => [seconds, 0];
  return {
    name: "old",
    kind: 0,
    spanContext: () => IDS,
    startTime: time(1),
    endTime: time(2),
    status: { code: 0 },
    attributes,
    events: [],
    links: [],
    resource: { attributes: {} },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

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

test("otel: attributes of a resource that are still looked up are in later spans", async () => {
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

test("otel: a span that cannot be recorded is reported once and throws nothing", async () => {
  const made = await recording();
  const broken = { ...finished(), spanContext: () => ({ ...IDS, traceId: undefined as never }) };
  made.processor.onEnd(broken);
  made.processor.onEnd(broken);
  const hostile = {
    ...finished(),
    get attributes(): object {
      throw new Error("no");
    },
  };
  made.processor.onEnd(hostile);
  const exporter = new WalSpanExporter({ client: made.client });
  const results: number[] = [];
  exporter.export([broken, finished()], ({ code }) => results.push(code));
  assert.deepEqual(results, [1]);
  assert.equal(made.pipeline.records.length, 1);
  assert.equal(made.warned.length, 1);
  assert.match(made.warned[0], /Cannot record a span: /);
});

test("otel: the exporter takes what other processors hand it", async () => {
  const made = await recording();
  const exporter = new WalSpanExporter({ client: made.client, view: "agents" });
  const processor = new BatchSpanProcessor(exporter);
  const tracer = tracerOf(processor);
  for (let i = 0; i < 3; i++) tracer.startSpan(`span ${i}`).end();
  await processor.forceFlush();
  assert.deepEqual(made.pipeline.records.map(({ type }) => type), Array(3).fill("otel_agents"));
  await processor.shutdown();
  const results: number[] = [];
  exporter.export([finished()], ({ code }) => results.push(code));
  assert.deepEqual(results, [1]);
});

test("otel: shutdown flushes a client of others and takes no more spans", async () => {
  const made = await recording();
  await made.processor.shutdown();
  made.tracer.startSpan("late").end();
  await made.processor.forceFlush();
  assert.deepEqual([made.pipeline.records, made.pipeline.finished], [[], []]);
});

test("otel: a flush ends before the SDK's own forceFlush gives up", async () => {
  const made = await recording({ timeoutMs: 60_000 });
  const limits: (number | undefined)[] = [];
  const { flush } = made.pipeline;
  Object.assign(made.pipeline, {
    flush: (options?: { timeout?: number }) => {
      limits.push(options?.timeout);
      return flush.call(made.pipeline);
    },
  });
  await made.processor.forceFlush();
  await made.processor.shutdown();
  assert.equal(limits.length, 2);
  for (const limit of limits) assert.ok(limit! < 30_000, `${limit}`);
});

test("otel: file operations of the log stay out of traces", async () => {
  await using mock = await startMockServer();
  const directory = mkdtempSync(join(tmpdir(), "weave-wal-otel-"));
  const traced: string[] = [];
  let heartbeats = 0;
  let heardTwice = (): void => {};
  const watched = new Promise<void>((resolve) => heardTwice = resolve);
  const runtime = detectRuntime();
  const files = new Proxy(runtime.files, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (name === "replace" && String(args[0]).includes(".processes") && ++heartbeats === 2) {
          heardTwice();
        }
        if (!isTracingSuppressed(context.active())) traced.push(String(name));
        return value.apply(target, args);
      };
    },
  });
  try {
    const processor = new WalSpanProcessor({
      project: "team/demo",
      apiKey: "test-key",
      serverUrl: mock.url,
      walDir: directory,
      logLevel: "error",
      lingerMs: 1,
      runtime: {
        ...runtime,
        name: runtime.name,
        process: runtime.process,
        clock: runtime.clock,
        files,
      },
    });
    // As in most programs, the processor is made first. It looks for earlier logs meanwhile.
    await processor.forceFlush();
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    traced.length = 0;
    const tracer = tracerOf(processor);
    for (let i = 1; i <= 3; i++) {
      tracer.startSpan("answer").end();
      await mock.waitFor((store) => store.spans("team/demo").length === i);
    }
    await watched;
    assert.deepEqual(traced, []);
    await processor.shutdown();
  } finally {
    context.disable();
    rmSync(directory, { recursive: true });
  }
});

test("otel: a disabled client records nothing", async () => {
  const made = await recording({ disabled: true });
  made.tracer.startSpan("answer").end();
  assert.deepEqual(made.pipeline.records, []);
});

test("otel: options that cannot be used are refused with the way out", async () => {
  const refused = (options: unknown, code: string, message: RegExp) =>
    assert.throws(() => new WalSpanProcessor(options as SpanOptions), { code, message });
  setGlobalClient(null);
  refused({}, "ERR_NOT_INITIALIZED", /pass "project" or "client", or call init/);
  refused(null, "ERR_INVALID_OPTION", /null is not an object of options/);
  refused({ project: "demo", apiKey: "test-key" }, "ERR_INVALID_NAME", /"demo" names no entity/);
  refused({ project: "a/b", spans: 1 }, "ERR_INVALID_OPTION", /spans/);
  refused({ view: "both" }, "ERR_INVALID_OPTION", /"both" is not one of "traces", "agents"/);
  refused({ client: Promise.resolve() }, "ERR_INVALID_OPTION", /await it first/);
  using fixture = await clientFixture();
  const { client } = fixture;
  refused({ client, redact: () => 1 }, "ERR_INVALID_OPTION", /Cannot use option "redact"/);
  refused({ client, project: "a/b" }, "ERR_INVALID_OPTION", /Cannot use option "project"/);
});
