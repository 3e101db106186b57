/**
 * Secrets in serialized spans.
 *
 * @module
 */

import assert from "node:assert/strict";
import { delimited, joinBytes, varintField, wireFields } from "../../src/protocol/otlp/wire.ts";
import { redactSpans } from "../../src/protocol/redaction/redact_spans.ts";
import { RedactionRules } from "../../src/protocol/redaction/redaction_rules.ts";
import { test } from "../harness.ts";

const rules = new RedactionRules({
  defaults: true,
  keys: [],
  patterns: [/^4\d{15}$/],
  literals: [],
});

const SECRET = "sk-abcdefghijklmnopqrstuvwxyz";
const encoder = new TextEncoder();

const text = (number: number, value: string) => delimited(number, encoder.encode(value));
const string = (value: string) => text(1, value);
const attribute = (number: number, key: string, value: Uint8Array) =>
  delimited(number, joinBytes([text(1, key), delimited(2, value)]));
const list = (...items: Uint8Array[]) =>
  delimited(5, joinBytes(items.map((item) => delimited(1, item))));
const map = (...entries: [string, Uint8Array][]) =>
  delimited(6, joinBytes(entries.map(([key, value]) => attribute(1, key, value))));

/** A request with one span. */
function requestOf({ resource = [], scope = [], span = [], schemas = "" }: {
  resource?: Uint8Array[];
  scope?: Uint8Array[];
  span?: Uint8Array[];
  schemas?: string;
}): Uint8Array {
  const scopeSpans = joinBytes([
    delimited(1, joinBytes(scope)),
    delimited(2, joinBytes(span)),
    text(3, schemas),
  ]);
  return delimited(
    1,
    joinBytes([delimited(1, joinBytes(resource)), delimited(2, scopeSpans), text(3, schemas)]),
  );
}

/** Asserts that a message is still a tree of fields. */
function redacted(request: Uint8Array): string {
  const copy = request.slice();
  redactSpans(copy, rules);
  assert.equal(copy.length, request.length);
  assert.equal([...wireFields(copy)].length, 1);
  return new TextDecoder().decode(copy);
}

test("redacted spans: no text of a request keeps a secret", () => {
  const named = [text(1, `Bearer ${SECRET}`), text(2, SECRET)];
  const places: Record<string, Parameters<typeof requestOf>[0]> = {
    "resource": { resource: [attribute(1, "a", string(SECRET))] },
    "schema": { schemas: `https://x/?api_key=${SECRET}` },
    "scope": { scope: [...named, attribute(3, "password", string("hunter2"))] },
    "trace state": { span: [text(3, `vendor=${SECRET}`)] },
    "name": { span: [text(5, SECRET)] },
    "key": { span: [attribute(9, `Bearer ${SECRET}`, string("x"))] },
    "attribute": { span: [attribute(9, "cookie", string("hunter2"))] },
    "bytes": { span: [attribute(9, "cookie", text(7, "hunter2"))] },
    "list": { span: [attribute(9, "cookie", list(string("hunter2")))] },
    "map": { span: [attribute(9, "a", map(["cookie", string("hunter2")]))] },
    "map in a secret": { span: [attribute(9, "cookie", map(["a", string("hunter2")]))] },
    "pair": { span: [attribute(9, "a", list(string("Cookie"), string("hunter2")))] },
    "named": {
      span: [attribute(9, "a", map(["name", string("Cookie")], ["value", string("hunter2")]))],
    },
    "event": {
      span: [
        delimited(11, joinBytes([text(2, SECRET), attribute(3, "cookie", string("hunter2"))])),
      ],
    },
    "link": {
      span: [delimited(13, joinBytes([text(3, SECRET), attribute(4, "a", string(SECRET))]))],
    },
    "status": { span: [delimited(15, text(2, `failed with ${SECRET}`))] },
  };
  for (const [place, request] of Object.entries(places)) {
    const found = redacted(requestOf(request));
    assert.doesNotMatch(found, /hunter2|abcdefghij/, place);
    assert.match(found, /\*{7}/, place);
  }
});

test("redacted spans: a secret number becomes zero, and a count stays", () => {
  const numbers = (key: string, value: Uint8Array) =>
    requestOf({ span: [attribute(9, key, value)] });
  const valueOf = (request: Uint8Array) => {
    const copy = request.slice();
    redactSpans(copy, rules);
    const inner = (message: Uint8Array, number: number) =>
      [...wireFields(message)].find((field) => field.number === number)!;
    const span = inner(inner(inner(copy, 1).bytes, 2).bytes, 2).bytes;
    return [...wireFields(inner(inner(span, 9).bytes, 2).bytes)][0].value;
  };
  assert.equal(valueOf(numbers("password", varintField(3, 123456789))), 0n);
  assert.equal(valueOf(numbers("a", varintField(3, 4111111111111111))), 0n);
  assert.equal(valueOf(numbers("max_cookies", varintField(3, 5))), 5n);
  assert.equal(valueOf(numbers("a", varintField(3, 5))), 5n);
  const double = new Uint8Array(9);
  double[0] = 4 * 8 + 1;
  new DataView(double.buffer).setFloat64(1, 1234.5, true);
  assert.equal(valueOf(numbers("password", double)), 0n);
  assert.notEqual(valueOf(numbers("a", double)), 0n);
});

test("redacted spans: a request without secrets is unchanged", () => {
  const request = requestOf({
    scope: [text(1, "scope"), text(2, "1.0.0")],
    resource: [attribute(1, "service.name", string("s"))],
    span: [
      text(3, "vendor=1"),
      text(5, "name"),
      attribute(9, "a", map(["name", string("color")], ["value", string("red")])),
      attribute(9, "n", varintField(3, 5)),
    ],
  });
  const copy = request.slice();
  redactSpans(copy, rules);
  assert.deepEqual(copy, request);
});
