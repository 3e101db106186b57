/**
 * Span processors at their limits: sampling, failures, shutdown, options.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { isTracingSuppressed } from "@opentelemetry/core";
import { AlwaysOffSampler, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { setGlobalClient } from "../../src/client/global_client.ts";
import { type SpanOptions, WalSpanExporter, WalSpanProcessor } from "../../src/otel/otel.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { clientFixture } from "../support/client/client_fixture.ts";
import { test } from "../harness.ts";
import { finished, IDS, recording, spansOf, tracerOf } from "../support/otel/processor_fixture.ts";

test("otel: unsampled spans are omitted", async () => {
  const made = await recording({}, { sampler: new AlwaysOffSampler() });
  made.tracer.startSpan("unsampled").end();
  made.processor.onEnd({ ...finished(), spanContext: () => ({ ...IDS, traceFlags: 0 }) });
  assert.deepEqual(made.pipeline.records, []);
});

test("otel: sampleRate keeps or omits whole traces", async () => {
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

test("otel: an unrecordable span is reported once and throws nothing", async () => {
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

test("otel: the exporter accepts spans from other processors", async () => {
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

test("otel: shutdown flushes a shared client and accepts no more spans", async () => {
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

test("otel: the log's file operations are not traced", async () => {
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
    // As in most programs, the processor is created first, and scans for earlier logs
    // meanwhile.
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

test("otel: invalid options are refused with a solution", async () => {
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
