/**
 * Serialized spans are compared byte for byte with those of OpenTelemetry's own serializer.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import fc from "fast-check";
import { Redactor } from "../../src/client/redaction/redactor.ts";
import type { FinishedSpan } from "../../src/otel/finished_span.ts";
import { SpanSerializer } from "../../src/otel/serialize_span.ts";
import { base64 } from "../../src/protocol/json/base64.ts";
import { test } from "../harness.ts";

const text = fc.string({ unit: "grapheme", maxLength: 40 });
/** Around the lengths at which a length takes another byte, in characters of one to four bytes. */
const longText = fc.tuple(
  fc.constantFrom("a", "é", "語", "🔭"),
  fc.constantFrom(43, 64, 115, 127, 4_096, 5_461, 8_192, 16_370, 16_384),
  fc.integer({ min: 0, max: 12 }),
).map(([unit, length, less]) => unit.repeat(length - less));
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(-0, NaN, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, -(2 ** 63), -(2 ** 32), 2 ** 62),
);
const { data } = fc.letrec((tie) => ({
  data: fc.oneof(
    { maxDepth: 3 },
    { arbitrary: text, weight: 4 },
    longText,
    { arbitrary: number, weight: 4 },
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.array(tie("data"), { maxLength: 4 }),
    fc.dictionary(text, tie("data"), { maxKeys: 4 }),
  ),
}));
const name = fc.oneof({ arbitrary: text, weight: 9 }, longText);
const attributes = fc.dictionary(name, data, { maxKeys: 4 });
const hex = (length: number) =>
  fc.string({
    unit: fc.constantFrom(..."0123456789abcdefABCDEF"),
    minLength: length,
    maxLength: length,
  });
const ids = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  traceFlags: fc.integer({ min: 0, max: 255 }),
  isRemote: fc.constantFrom(undefined, false, true),
  traceState: fc.option(text.map((state) => ({ serialize: () => state })), { nil: undefined }),
});
const time = fc.tuple(
  fc.integer({ min: 0, max: 18_446_744_072 }),
  fc.integer({ min: 0, max: 999_999_999 }),
);
const count = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const url = fc.constantFrom(undefined, "", "https://opentelemetry.io/schemas/1.30.0");
const resource = fc.record({ attributes, schemaUrl: url });
const instrumentationScope = fc.record({
  name: text,
  version: fc.constantFrom(undefined, "", "1.0.0"),
  schemaUrl: url,
});
const span = fc.record({
  name,
  kind: fc.constantFrom(0, 1, 4, undefined as unknown as number),
  ids,
  parentSpanContext: fc.option(ids, { nil: undefined }),
  startTime: time,
  endTime: time,
  status: fc.record({
    code: fc.integer({ min: 0, max: 2 }),
    message: fc.option(longText, { nil: undefined }),
  }),
  attributes,
  events: fc.array(
    fc.record({
      name: text,
      time,
      attributes: fc.option(attributes, { nil: undefined }),
      droppedAttributesCount: fc.option(count, { nil: undefined }),
    }),
    { maxLength: 3 },
  ),
  links: fc.array(
    fc.record({
      context: ids,
      attributes: fc.option(attributes, { nil: undefined }),
      droppedAttributesCount: fc.option(count, { nil: undefined }),
    }),
    { maxLength: 3 },
  ),
  resource,
  instrumentationScope,
  droppedAttributesCount: count,
  droppedEventsCount: count,
  droppedLinksCount: count,
}).map(({ ids, ...fields }) => ({ ...fields, spanContext: () => ids }) as FinishedSpan);

/** Compares a serialized span with that of OpenTelemetry. */
function check(bytes: Uint8Array, one: FinishedSpan): void {
  const expected = ProtobufTraceSerializer.serializeRequest([one as never])!;
  assert.equal(base64(bytes), base64(expected));
}

test("a span has the bytes that OpenTelemetry's serializer writes", () => {
  const serializer = new SpanSerializer(Redactor.none());
  fc.assert(
    fc.property(span, (one) => {
      // Again, with the resource and the scope of the first time.
      for (let round = 0; round < 2; round++) {
        check(serializer.serialize(one), one);
      }
    }),
    { numRuns: 150 },
  );
});

test("spans with different resources and scopes are not mixed up", () => {
  const serializer = new SpanSerializer(Redactor.none());
  const surroundings = fc.record({ resource, instrumentationScope });
  fc.assert(
    fc.property(span, surroundings, surroundings, (one, first, second) => {
      for (const around of [first, second, { ...first, resource: second.resource }, first]) {
        const other = { ...one, ...around };
        check(serializer.serialize(other), other);
      }
    }),
    { numRuns: 50 },
  );
});

test("a large span leaves nothing behind in the next one", () => {
  const serializer = new SpanSerializer(Redactor.none());
  const [small] = fc.sample(span, { numRuns: 1, seed: 1 });
  for (const length of [0, 5_000, 30_000, 100_000, 0, 100_000]) {
    const one = { ...small, attributes: { text: "語".repeat(length), after: [length] } };
    check(serializer.serialize(one), one);
  }
});
