/**
 * Delivery of OpenTelemetry spans.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Attributes } from "@opentelemetry/api";
import type { Pipeline } from "../../../src/client/pipeline/pipeline.ts";
import { base64 } from "../../../src/protocol/json/base64.ts";
import {
  otelRecordType,
  otelRequest,
  type OtelView,
} from "../../../src/protocol/otlp/otel_request.ts";
import { test } from "../../harness.ts";
import {
  appendCalls,
  type DeliveryFixture,
  withDelivery,
} from "../../support/delivery/delivery_fixture.ts";
import { spanRequest } from "../../support/otel/span_requests.ts";

/** The server builds a tree of the names, and rejects this span. */
const CONFLICT: Attributes = { llm: "gpt", "llm.model": "gpt" };

/** Not a request: the server rejects all spans that it is sent with. */
const INVALID = Uint8Array.of(0x0a, 0x7f);

/** Long enough for a busy machine. */
const PATIENT = { timeout: 100_000 };

async function append(
  pipeline: Pipeline,
  name: string,
  { view = "traces", project = "team/project", attributes = {} }: {
    view?: OtelView;
    project?: string;
    attributes?: Attributes;
  } = {},
): Promise<void> {
  const request = otelRequest(project, await spanRequest(name, attributes));
  pipeline.append(otelRecordType(view), request);
}

function names({ mock }: DeliveryFixture, project = "team/project"): string[] {
  return mock.store.spans(project).map(({ name }) => name);
}

for (const otelReply of ["json", "protobuf"] as const) {
  test(`spans: spans of several records share a request, answered in ${otelReply}`, async () => {
    await withDelivery({ otelReply }, async (fixture) => {
      const pipeline = fixture.open({ lingerMs: 200 });
      for (let i = 0; i < 20; i++) await append(pipeline, `span ${i}`);
      await append(pipeline, "agent", { view: "agents" });
      appendCalls(pipeline, "a", 2);
      const result = await pipeline.finish(PATIENT);
      assert.deepEqual([result.done, result.delivered, result.deadLettered], [true, 25, 0]);
      const spans = fixture.mock.store.spans("team/project");
      assert.deepEqual(
        spans.filter(({ view }) => view === "traces").map(({ name }) => name),
        Array.from({ length: 20 }, (_, i) => `span ${i}`),
      );
      assert.deepEqual(spans.filter(({ view }) => view === "agents").map(({ name }) => name), [
        "agent",
      ]);
      const entries = fixture.mock.journal.to(/otel/);
      assert.ok(entries.length < 6, `${entries.length} requests`);
      for (const { contentType, authorization } of entries) {
        assert.equal(contentType, "application/x-protobuf");
        assert.equal(authorization, `Basic ${btoa("api:test-key")}`);
      }
      assert.deepEqual(fixture.files(), []);
    });
  });

  test(`spans: spans that the server rejects are isolated, answered in ${otelReply}`, async () => {
    await withDelivery({ otelReply }, async (fixture) => {
      const pipeline = fixture.open({ lingerMs: 200 });
      for (let i = 0; i < 12; i++) {
        const attributes = i === 3 || i === 8 ? CONFLICT : {};
        const view = i < 6 ? "traces" : "agents";
        await append(pipeline, `span ${i}`, { view, attributes });
      }
      const result = await pipeline.finish(PATIENT);
      assert.deepEqual([result.done, result.deadLettered], [true, 2]);
      assert.equal(names(fixture).length, 10);
      assert.deepEqual(fixture.deadLetters().map(({ type, error }) => [type, error.reason]), [
        ["otel_traces", "refused"],
        ["otel_agents", "refused"],
      ]);
      for (const { error } of fixture.deadLetters()) {
        assert.match(String(error.message), /cannot set subkey 'model' under parent key 'llm'/);
      }
    });
  });
}

test("spans: invalid bytes are rejected and isolated, and invalid Base64 is unsendable", async () => {
  await withDelivery({}, async (fixture) => {
    const pipeline = fixture.open({ lingerMs: 200 });
    await append(pipeline, "before");
    pipeline.append("otel_traces", otelRequest("team/project", INVALID));
    pipeline.append("otel_traces", '{"project_id":"team/project","request_base64":"***"}');
    pipeline.append("otel_traces", '{"project_id":"team/project"}');
    await append(pipeline, "after");
    const result = await pipeline.finish(PATIENT);
    assert.deepEqual([result.done, result.deadLettered], [true, 3]);
    assert.deepEqual(names(fixture).sort(), ["after", "before"]);
    assert.deepEqual(fixture.deadLetters().map(({ error }) => error.reason), [
      "refused",
      "unsendable",
      "unsendable",
    ]);
  });
});

/** Requests as other programs may write them, of a project and Base64 text. */
const LAYOUTS: Readonly<Record<string, (project: string, text: string) => string>> = {
  "with spaces": (project, text) => `{ "project_id": "${project}", "request_base64": "${text}" }`,
  "with escaped slashes": (project, text) =>
    `{"project_id":"${project.replace("/", "\\/")}","request_base64":"${
      text.replaceAll("/", "\\/")
    }"}`,
  "with the project last": (project, text) =>
    `{"request_base64":"${text}","project_id":"${project}"}`,
  "with a field behind the spans": (project, text) =>
    `{"project_id":"${project}","request_base64":"${text}","source":"x"}`,
  "with a field before the spans": (project, text) =>
    `{"project_id":"${project}","source":"x","request_base64":"${text}"}`,
  "with the IDs of the span": (project, text) =>
    `{"project_id":"${project}","span":"${
      "0af7651916cd43dd".repeat(3)
    }","request_base64":"${text}"}`,
  "with shorter IDs of the span": (project, text) =>
    `{"project_id":"${project}","span":"ab","request_base64":"${text}"}`,
  "with the spans repeated": (project, text) =>
    `{"project_id":"${project}","request_base64":"","request_base64":"${text}"}`,
};

test("spans: each layout of a record is sent with the bytes that it contains", async () => {
  await withDelivery({}, async (fixture) => {
    const pipeline = fixture.open({ lingerMs: 200 });
    // Slashes in Base64: 0xff and 0x3f yield them.
    const attributes = { text: "\u00ff\u003f?\uffff~~~???".repeat(20) };
    for (const [name, write] of Object.entries(LAYOUTS)) {
      const text = base64(await spanRequest(name, attributes));
      assert.match(text, /\//);
      pipeline.append("otel_traces", write("team/project", text));
    }
    const result = await pipeline.finish(PATIENT);
    assert.deepEqual([result.done, fixture.deadLetters()], [true, []]);
    const spans = fixture.mock.store.spans("team/project");
    assert.deepEqual(spans.map(({ name }) => name), Object.keys(LAYOUTS));
    for (const span of spans) assert.deepEqual(span.attributes, attributes);
    assert.equal(fixture.mock.journal.to(/otel/).length, 1);
  });
});

test("spans: a corrupt record between others is not sent again with them", async () => {
  await withDelivery({}, async (fixture) => {
    const pipeline = fixture.open({ lingerMs: 200 });
    pipeline.append("otel_traces", otelRequest("team/project", INVALID));
    await append(pipeline, "before");
    const corrupt = base64(await spanRequest("corrupt"));
    const id = "\t".repeat(48); // A string in JSON has no tab.
    pipeline.append(
      "otel_traces",
      `{"project_id":"team/project","span":"${id}","request_base64":"${corrupt}"}`,
    );
    await append(pipeline, "after");
    const result = await pipeline.finish(PATIENT);
    assert.deepEqual([result.done, result.deadLettered], [true, 2]);
    assert.deepEqual(names(fixture), ["before", "after"]);
  });
});

test("spans: an outage, a lost response and an overloaded server lose none", async () => {
  await withDelivery({}, async (fixture) => {
    const { mock } = fixture;
    const pipeline = fixture.open();
    const path = "/otel/v1/traces";
    mock.faults.add({ path, times: 2, status: 503 });
    mock.faults.add({ path, times: 1, loseReply: true });
    mock.faults.add({ path, times: 1, truncate: 4 });
    mock.faults.add({ path, times: 1, garbage: true });
    for (let i = 0; i < 5; i++) await append(pipeline, `span ${i}`);
    const result = await pipeline.finish(PATIENT);
    assert.deepEqual([result.done, result.deadLettered], [true, 0]);
    assert.deepEqual(names(fixture), ["span 0", "span 1", "span 2", "span 3", "span 4"]);
    assert.ok(mock.store.counts.duplicateSpans > 0);
  });
}, { timeout: 120_000 });

test("spans: a batch that is too large is halved", async () => {
  await withDelivery({ bodyLimit: 6_000 }, async (fixture) => {
    const pipeline = fixture.open({ lingerMs: 200 });
    for (let i = 0; i < 8; i++) {
      await append(pipeline, `span ${i}`, {
        attributes: { text: "x".repeat(i === 5 ? 7_000 : 1_000) },
      });
    }
    const result = await pipeline.finish(PATIENT);
    assert.deepEqual([result.done, result.deadLettered], [true, 1]);
    assert.equal(names(fixture).length, 7);
    assert.equal(fixture.deadLetters()[0].error.status, 413);
  });
});

test("spans: each project has its own requests, and a name unfit for a header is in the spans", async () => {
  await withDelivery({}, async (fixture) => {
    const pipeline = fixture.open({ lingerMs: 200 });
    await append(pipeline, "one");
    await append(pipeline, "two", { project: "team/other" });
    const request = await spanRequest("three");
    pipeline.append("otel_traces", otelRequest("team/検索", request));
    const result = await pipeline.finish(PATIENT);
    assert.deepEqual([names(fixture), names(fixture, "team/other")], [["one"], ["two"]]);
    assert.equal(result.deadLettered, 1);
    assert.match(String(fixture.deadLetters()[0].error.message), /wandb.entity/);
  });
});

test("spans: a missing project blocks its own spans only", async () => {
  await withDelivery({ missingProjects: ["team/later"] }, async (fixture) => {
    const pipeline = fixture.open();
    await append(pipeline, "waits", { project: "team/later" });
    await append(pipeline, "goes");
    await fixture.event("server-blocked");
    await fixture.mock.waitFor((store) => store.spans("team/project").length === 1);
    fixture.mock.configure({ missingProjects: [] });
    const result = await pipeline.finish(PATIENT);
    assert.deepEqual([result.done, result.deadLettered], [true, 0]);
    assert.deepEqual(names(fixture, "team/later"), ["waits"]);
  });
}, { timeout: 120_000 });
