/**
 * Transcodes spans from OTLP/JSON to protobuf, since records contain serialized requests.
 *
 * @module
 */

import { delimited, fixed64, joinBytes, varintField } from "../../protocol/otlp/wire.ts";

// Field numbers in opentelemetry/proto/{collector/trace,trace,resource,common}/v1.

type Json = Readonly<Record<string, unknown>>;
type Bytes = Uint8Array;

const encoder = new TextEncoder();

/**
 * Serializes an `ExportTraceServiceRequest` from its JSON text.
 *
 * @throws {SyntaxError} If it is not JSON.
 * @throws {TypeError|RangeError} If it is not such a request.
 */
export function transcodeSpans(text: string): Uint8Array {
  const request = objectIn(JSON.parse(text));
  return joinBytes(list(1, request.resourceSpans, (resourceSpans) => [
    ...one(1, resourceSpans.resource, (resource) => [
      ...list(1, resource.attributes, keyValue),
      ...count(2, resource.droppedAttributesCount),
    ]),
    ...list(2, resourceSpans.scopeSpans, (scopeSpans) => [
      ...one(1, scopeSpans.scope, (scope) => [
        ...string(1, scope.name),
        ...string(2, scope.version),
        ...list(3, scope.attributes, keyValue),
        ...count(4, scope.droppedAttributesCount),
      ]),
      ...list(2, scopeSpans.spans, span),
      ...string(3, scopeSpans.schemaUrl),
    ]),
    ...string(3, resourceSpans.schemaUrl),
  ]));
}

const span = (given: Json): Bytes[] => [
  ...id(1, given.traceId),
  ...id(2, given.spanId),
  ...string(3, given.traceState),
  ...id(4, given.parentSpanId),
  ...string(5, given.name),
  ...count(6, given.kind),
  ...time(7, given.startTimeUnixNano),
  ...time(8, given.endTimeUnixNano),
  ...list(9, given.attributes, keyValue),
  ...count(10, given.droppedAttributesCount),
  ...list(11, given.events, (event) => [
    ...time(1, event.timeUnixNano),
    ...string(2, event.name),
    ...list(3, event.attributes, keyValue),
    ...count(4, event.droppedAttributesCount),
  ]),
  ...count(12, given.droppedEventsCount),
  ...list(13, given.links, (link) => [
    ...id(1, link.traceId),
    ...id(2, link.spanId),
    ...string(3, link.traceState),
    ...list(4, link.attributes, keyValue),
    ...count(5, link.droppedAttributesCount),
    ...flags(6, link.flags),
  ]),
  ...count(14, given.droppedLinksCount),
  ...one(15, given.status, (status) => [...string(2, status.message), ...count(3, status.code)]),
  ...flags(16, given.flags),
];

const keyValue = (given: Json): Bytes[] => [
  ...string(1, given.key),
  ...one(2, given.value, anyValue),
];

function anyValue(value: Json): Bytes[] {
  if (typeof value.stringValue === "string") {
    return [delimited(1, encoder.encode(value.stringValue))];
  }
  if (typeof value.boolValue === "boolean") return [varintField(2, value.boolValue ? 1 : 0)];
  if (value.intValue !== undefined) return [integer(3, BigInt(value.intValue as string))];
  if (value.doubleValue !== undefined) return [double(4, Number(value.doubleValue))];
  if (value.arrayValue !== undefined) {
    return [message(5, list(1, objectIn(value.arrayValue).values, anyValue))];
  }
  if (value.kvlistValue !== undefined) {
    return [message(6, list(1, objectIn(value.kvlistValue).values, keyValue))];
  }
  return typeof value.bytesValue === "string" ? [delimited(7, fromBase64(value.bytesValue))] : [];
}

function objectIn(value: unknown): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new TypeError("Not an object of OTLP");
}

function message(number: number, fields: Bytes[]): Bytes {
  return delimited(number, joinBytes(fields));
}

function one(number: number, value: unknown, fields: (value: Json) => Bytes[]): Bytes[] {
  return value === undefined || value === null ? [] : [message(number, fields(objectIn(value)))];
}

function list(number: number, values: unknown, fields: (value: Json) => Bytes[]): Bytes[] {
  if (values === undefined || values === null) return [];
  if (!Array.isArray(values)) throw new TypeError("Not a list of OTLP");
  return values.map((value) => message(number, fields(objectIn(value))));
}

function string(number: number, value: unknown): Bytes[] {
  return typeof value === "string" ? [delimited(number, encoder.encode(value))] : [];
}

function count(number: number, value: unknown): Bytes[] {
  return value === undefined || value === null ? [] : [varintField(number, Number(value))];
}

/** Encodes an ID, which is in hex, unlike other bytes. */
function id(number: number, value: unknown): Bytes[] {
  if (typeof value !== "string" || value === "") return [];
  if (!/^(?:[\da-f]{2})+$/i.test(value)) throw new TypeError("Not an ID of OTLP");
  const bytes = value.match(/../g)!.map((digits) => parseInt(digits, 16));
  return [delimited(number, Uint8Array.from(bytes))];
}

function time(number: number, value: unknown): Bytes[] {
  if (value === undefined || value === null) return [];
  return [fixed64(number, BigInt.asUintN(64, BigInt(value as string)))];
}

function flags(number: number, value: unknown): Bytes[] {
  if (value === undefined || value === null) return [];
  const [tag, bytes] = [tagOf(number, 5), new Uint8Array(4)];
  new DataView(bytes.buffer).setUint32(0, Number(value), true);
  return [joinBytes([tag, bytes])];
}

function double(number: number, value: number): Bytes {
  return joinBytes([tagOf(number, 1), new Uint8Array(Float64Array.of(value).buffer)]);
}

function integer(number: number, value: bigint): Bytes {
  const bytes = [...tagOf(number, 0)];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** Returns a tag: a field's number and its wire type. */
function tagOf(number: number, wireType: number): Bytes {
  return varintField(number, 0).subarray(0, -1).map((byte, i) => i === 0 ? byte + wireType : byte);
}

function fromBase64(text: string): Bytes {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
