import assert from "node:assert/strict";
import { otelReplyText, rejectedSpans } from "../../../src/protocol/otlp/otel_reply.ts";
import { otelRecordType, otelRequest } from "../../../src/protocol/otlp/otel_request.ts";
import { readSpans } from "../../../src/protocol/otlp/spans.ts";
import { delimited, joinBytes, varintField, wireFields } from "../../../src/protocol/otlp/wire.ts";
import { fromBase64 } from "../../../src/protocol/json/base64.ts";
import { replyKind } from "../../../src/protocol/replies.ts";
import { test } from "../../harness.ts";
import { spanRequests } from "../../support/otel/span_requests.ts";

test("otlp: spans that OpenTelemetry serialized are read with all that a reader shows", async () => {
  const [child, root] = await spanRequests([{
    name: "日本 answer",
    from: 1_700_000_000_000,
    to: 1_700_000_001_500,
    attributes: { text: "é", yes: true, whole: -3, part: 0.5, list: ["a", "b"], big: 2 ** 40 },
    children: [{ name: "search", error: "no results" }],
  }], { "wandb.project": "chat" });
  const [span] = readSpans(root);
  assert.equal(span.name, "日本 answer");
  assert.deepEqual(span.attributes, {
    text: "é",
    yes: true,
    whole: -3,
    part: 0.5,
    list: ["a", "b"],
    big: 2 ** 40,
  });
  assert.deepEqual([span.startTime, span.endTime, span.parentSpanId], [
    1_700_000_000_000_000_000n,
    1_700_000_001_500_000_000n,
    "",
  ]);
  assert.equal(span.resource["wandb.project"], "chat");
  const [inner] = readSpans(child);
  assert.deepEqual([inner.traceId, inner.parentSpanId], [span.traceId, span.spanId]);
  assert.match(inner.traceId, /^[0-9a-f]{32}$/);
  assert.match(inner.spanId, /^[0-9a-f]{16}$/);
  assert.deepEqual(inner.status, { code: "error", message: "no results" });
});

test("otlp: two concatenated requests are one request with the spans of both", async () => {
  const requests = await spanRequests([{ name: "a" }, { name: "b" }]);
  assert.deepEqual(readSpans(joinBytes(requests)).map(({ name }) => name), ["a", "b"]);
});

test("otlp: bytes that are not a message are an error, wherever they are truncated", async () => {
  const [request] = await spanRequests([{ name: "a", attributes: { b: "c" } }]);
  for (let length = 1; length < request.length; length++) {
    assert.throws(() => readSpans(request.subarray(0, length)), RangeError, `${length}`);
  }
  assert.throws(() => [...wireFields(Uint8Array.of(0x0b))], RangeError);
  assert.throws(() => [...wireFields(Uint8Array.of(0x00, 0x01))], RangeError);
});

test("otlp: a record's request is JSON with the bytes in Base64", async () => {
  const [request] = await spanRequests([{ name: "a" }]);
  const record = JSON.parse(otelRequest('team/"q"', request));
  assert.equal(record.project_id, 'team/"q"');
  assert.deepEqual(fromBase64(record.request_base64), Uint8Array.from(request));
  assert.deepEqual([otelRecordType("traces"), otelRecordType("agents")], [
    "otel_traces",
    "otel_agents",
  ]);
});

test("otlp: serialized responses become JSON, whatever the number of spans they reject", () => {
  const text = new TextEncoder().encode("two names");
  for (const count of [1, 200, 70_000]) {
    const partial = joinBytes([varintField(1, count), delimited(2, text)]);
    const json = otelReplyText(delimited(1, partial), false);
    assert.deepEqual(rejectedSpans(json), { count, message: "two names" });
    assert.equal(replyKind("/otel/v1/traces", json), "reply");
  }
  assert.equal(otelReplyText(new Uint8Array(0), false), "{}");
  assert.equal(rejectedSpans("{}"), undefined);
  const status = joinBytes([varintField(1, 3), delimited(2, text)]);
  assert.deepEqual(JSON.parse(otelReplyText(status, true)), { message: "two names" });
  assert.equal(otelReplyText(Uint8Array.of(0xff), false), "");
});

test("otlp: JSON responses are accepted in OTLP's and the server's spelling", () => {
  const rejecting = [
    '{"partial_success":{"rejected_spans":2,"error_message":"no"}}',
    '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}',
    '{"accepted_spans":1,"rejected_spans":2,"error_message":"no"}',
  ];
  for (const text of rejecting) {
    assert.equal(replyKind("/agents/otel/v1/traces", text), "reply", text);
    assert.deepEqual(rejectedSpans(text), { count: 2, message: "no" }, text);
  }
  const taking = [
    "{}",
    '{"partial_success":null}',
    '{"partialSuccess":{}}',
    '{"partial_success":{"rejected_spans":0,"error_message":"a warning"}}',
    '{"accepted_spans":3,"rejected_spans":0,"error_message":""}',
  ];
  for (const text of taking) {
    assert.equal(replyKind("/otel/v1/traces", text), "reply", text);
    assert.equal(rejectedSpans(text), undefined, text);
  }
});

test("otlp: a response with other fields requires confirmation, an empty one or a page is rejected", () => {
  assert.equal(replyKind("/otel/v1/traces", '{"login":"required"}'), "unclear");
  assert.equal(replyKind("/otel/v1/traces", "<html>"), "foreign");
  assert.equal(replyKind("/otel/v1/traces", ""), "foreign");
});
