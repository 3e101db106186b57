import assert from "node:assert/strict";
import { endSpans } from "../../../src/protocol/otlp/end_span.ts";
import { readSpans } from "../../../src/protocol/otlp/spans.ts";
import { delimited, fixed64, joinBytes } from "../../../src/protocol/otlp/wire.ts";
import { test } from "../../harness.ts";

const text = (number: number, value: string) => delimited(number, new TextEncoder().encode(value));

test("otlp: a span serialized at its start is ended by appended fields", () => {
  const span = joinBytes([
    delimited(1, Uint8Array.of(1, 2)),
    delimited(2, Uint8Array.of(3)),
    text(5, "answer"),
    fixed64(7, 5n),
    fixed64(8, 0n),
    delimited(15, new Uint8Array(0)),
  ]);
  const scope = joinBytes([delimited(1, text(1, "scope")), delimited(2, span), text(3, "schema")]);
  const resource = delimited(1, delimited(1, text(1, "service.name")));
  const request = delimited(1, joinBytes([resource, delimited(2, scope)]));
  const ended = endSpans(request, 9n, "cut off");
  const [found, ...rest] = readSpans(ended);
  assert.deepEqual(rest, []);
  assert.deepEqual(found, {
    ...readSpans(request)[0],
    endTime: 9n,
    status: { code: "error", message: "cut off" },
  });
  assert.deepEqual(endSpans(request, 9n, "cut off"), ended, "the same bytes again");
  assert.throws(() => endSpans(Uint8Array.of(10, 200), 9n, ""), RangeError);
});
