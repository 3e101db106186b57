/**
 * Spans from OpenTelemetry's own exporters.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SpanStatusCode } from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";
import { readSpans } from "../../src/protocol/otlp/spans.ts";
import { transcodeSpans } from "../../src/relay/otlp/json_spans.ts";
import { splitSpans } from "../../src/relay/otlp/split_spans.ts";
import type { MockStore } from "../../tools/mock_server/store/store.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { send } from "../support/mock_server/mock_requests.ts";
import { startRelay } from "../support/relay/relay_fixture.ts";
import { spanRequests } from "../support/otel/span_requests.ts";

const WEAVE = { "wandb.entity": "team", "wandb.project": "spans" };

/** Spans that use every feature of spans. */
async function spansOf(exporter: InMemorySpanExporter, resource = {}): Promise<ReadableSpan[]> {
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ "service.name": "test", ...WEAVE, ...resource }),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer("tests", "1.2.3");
  const context = {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    traceFlags: 1,
  };
  const first = tracer.startSpan("first", {
    kind: 2,
    attributes: { text: "ä", yes: true, no: false, int: -5, zero: 0, double: 0.1, empty: "" },
    links: [{ context, attributes: { why: "linked" } }],
  });
  first.addEvent("event", { list: ["a", "b"], numbers: [1, 2.5] });
  first.setStatus({ code: SpanStatusCode.ERROR, message: "failed" });
  first.end();
  tracer.startSpan("second").end();
  // The exporter reports each export from a timer.
  await provider.forceFlush();
  return exporter.getFinishedSpans();
}

/** The spans of a project, in a comparable form. */
function storedSpans(store: MockStore, project: string): string[] {
  return store.project(project).spans.list().map((span) => JSON.stringify(span)).sort();
}

async function exportTo(exporter: SpanExporter, spans: ReadableSpan[]): Promise<void> {
  const { code, error } = await new Promise<{ code: number; error?: Error }>((resolve) =>
    exporter.export(spans, resolve)
  );
  await exporter.shutdown();
  assert.equal(code, 0, error?.message);
}

test("relay: JSON spans are transcoded to the bytes that the protobuf exporter sends", async () => {
  const spans = await spansOf(new InMemorySpanExporter());
  const json = new TextDecoder().decode(JsonTraceSerializer.serializeRequest(spans)!);
  const expected = readSpans(ProtobufTraceSerializer.serializeRequest(spans)!);
  assert.deepEqual(readSpans(transcodeSpans(json)), expected);
  const bytes = (request: Uint8Array) => [...request].sort((a, b) => a - b).join();
  assert.equal(
    bytes(transcodeSpans(json)),
    bytes(ProtobufTraceSerializer.serializeRequest(spans)!),
    "the same bytes, perhaps in another order of fields",
  );
  for (
    const wrong of [
      '{"resourceSpans":1}',
      "[]",
      '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xy"}]}]}]}',
    ]
  ) {
    assert.throws(() => transcodeSpans(wrong), TypeError);
  }
});

test("relay: a request is taken apart into its spans, each with its resource and scope", async () => {
  const spans = await spansOf(new InMemorySpanExporter());
  const request = ProtobufTraceSerializer.serializeRequest(spans)!;
  const parts = splitSpans(request);
  assert.equal(parts.length, 2);
  assert.deepEqual(parts.map(({ projectId }) => projectId), ["team/spans", "team/spans"]);
  assert.deepEqual(parts.flatMap((part) => readSpans(part.request)), readSpans(request));
});

for (const [name, Exporter] of [["protobuf", ProtobufExporter], ["JSON", JsonExporter]] as const) {
  test(`relay: spans of the ${name} exporter arrive, plain and compressed, while the server is down`, async () => {
    await using direct = await startMockServer();
    await using server = await startMockServer();
    await using relay = await startRelay({ server: server.url });
    const spans = await spansOf(new InMemorySpanExporter());
    await exportTo(new ProtobufExporter({ url: `${direct.url}/otel/v1/traces` }), spans);
    await server.stop();
    for (const compression of ["none", "gzip"]) {
      const url = `${relay.url}/v1/traces`;
      await exportTo(new Exporter({ url, compression: compression as never }), spans);
    }
    await server.restart();
    await relay.stop(20_000);
    const arrived = storedSpans(server.store, "team/spans");
    assert.deepEqual(arrived, storedSpans(direct.store, "team/spans"));
    assert.equal(arrived.length, 2);
    assert.equal(server.store.counts.duplicateSpans, 2, "sent twice here");
  });
}

test("relay: spans go to the view of their path and to the project of resource, header or option", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url, defaultProject: "team/default" });
  const post = async (path: string, body: Uint8Array, headers: Record<string, string> = {}) =>
    (await send(relay.url + path, {
      method: "POST",
      body: body as BodyInit,
      headers: { "content-type": "application/x-protobuf", ...headers },
    })).status;
  const [named] = await spanRequests([{ name: "named" }], WEAVE);
  const [unnamed] = await spanRequests([{ name: "unnamed" }]);
  assert.equal(await post("/agents/otel/v1/traces", named), 200);
  assert.equal(await post("/otel/v1/traces", named, { project_id: "team/other" }), 200);
  assert.equal(await post("/otel/v1/traces", unnamed, { project_id: "team/other" }), 200);
  assert.equal(await post("/v1/traces", unnamed), 200);
  const stream = new Blob([named as BlobPart]).stream().pipeThrough(
    new CompressionStream("deflate"),
  );
  const deflated = new Uint8Array(await new Response(stream).arrayBuffer());
  const compressed = { "content-encoding": "deflate", project_id: "team/other" };
  assert.equal(await post("/agents/otel/v1/traces", deflated, compressed), 200);
  const broken = deflated.subarray(0, deflated.length / 2);
  assert.equal(await post("/agents/otel/v1/traces", broken, compressed), 400);
  assert.equal(await post("/v1/traces", unnamed, { project_id: "no project" }), 400);
  assert.equal(await post("/v1/traces", Uint8Array.of(1, 2, 3)), 400);
  assert.equal(await post("/v1/traces", named, { "content-type": "text/plain" }), 415);
  await relay.stop();
  const spans = (project: string, view: "traces" | "agents") =>
    server.store.project(project).spans.list().filter((span) => span.view === view).length;
  assert.equal(spans("team/spans", "agents"), 1);
  assert.equal(spans("team/spans", "traces"), 1);
  assert.equal(spans("team/other", "traces"), 1);
  assert.equal(spans("team/default", "traces"), 1);
});

test("relay: a span that the server rejects does not affect others", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes(WEAVE),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer("tests");
  for (let i = 0; i < 20; i++) {
    // The server cannot build a tree of these two names.
    const attributes = i === 7 ? { a: 1, "a.b": 2 } : {};
    tracer.startSpan(`span ${i}`, { attributes }).end();
  }
  const spans = exporter.getFinishedSpans();
  await exportTo(new ProtobufExporter({ url: `${relay.url}/v1/traces` }), spans);
  await server.waitFor(({ counts }) => counts.spans >= 19);
  await relay.relay.logs.of("team/spans").delivered();
  assert.equal(relay.events.filter(({ name }) => name === "dead-letter").length, 1);
  assert.equal(storedSpans(server.store, "team/spans").length, 19);
});
