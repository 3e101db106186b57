/**
 * Reads spans from a serialized `ExportTraceServiceRequest`.
 *
 * Only for displaying spans: the sender forwards their bytes unread.
 *
 * @module
 */

import { type WireField, wireFields, wireHex, wireText } from "./wire.ts";

/** A span. IDs are hexadecimal digits. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root span. */
  readonly parentSpanId: string;
  readonly name: string;
  /** Epoch nanoseconds. */
  readonly startTime: bigint;
  /** Epoch nanoseconds; 0 if the span has not ended. */
  readonly endTime: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: { readonly code: "unset" | "ok" | "error"; readonly message: string };
  /** Attributes of the span's resource. */
  readonly resource: Readonly<Record<string, unknown>>;
}

// Field numbers in opentelemetry/proto/{collector/trace,trace,resource,common}/v1.
const RESOURCE_SPANS = 1;
const RESOURCE = 1, SCOPE_SPANS = 2;
const RESOURCE_ATTRIBUTES = 1, SPANS = 2;
const TRACE_ID = 1, SPAN_ID = 2, PARENT_SPAN_ID = 4, NAME = 5, START = 7, END = 8;
const ATTRIBUTES = 9, STATUS = 15;
const STATUS_MESSAGE = 2, STATUS_CODE = 3;
const CODES = ["unset", "ok", "error"] as const;

/**
 * Returns the spans of a request, in order.
 *
 * @throws {RangeError} If the bytes are not such a request.
 */
export function readSpans(request: Uint8Array): Span[] {
  const spans: Span[] = [];
  for (const resourceSpans of contents(request, RESOURCE_SPANS)) {
    const resource: Record<string, unknown> = {};
    for (const message of contents(resourceSpans, RESOURCE)) {
      for (const attribute of contents(message, RESOURCE_ATTRIBUTES)) {
        readAttribute(attribute, resource);
      }
    }
    for (const scope of contents(resourceSpans, SCOPE_SPANS)) {
      for (const span of contents(scope, SPANS)) spans.push(readSpan(span, resource));
    }
  }
  return spans;
}

function readSpan(message: Uint8Array, resource: Readonly<Record<string, unknown>>): Span {
  const attributes: Record<string, unknown> = {};
  const span = {
    traceId: "",
    spanId: "",
    parentSpanId: "",
    name: "",
    startTime: 0n,
    endTime: 0n,
    attributes,
    status: { code: "unset" as Span["status"]["code"], message: "" },
    resource,
  };
  for (const field of wireFields(message)) {
    if (field.number === TRACE_ID) span.traceId = wireHex(field);
    else if (field.number === SPAN_ID) span.spanId = wireHex(field);
    else if (field.number === PARENT_SPAN_ID) span.parentSpanId = wireHex(field);
    else if (field.number === NAME) span.name = wireText(field);
    else if (field.number === START) span.startTime = field.value;
    else if (field.number === END) span.endTime = field.value;
    else if (field.number === ATTRIBUTES) readAttribute(field.bytes, attributes);
    else if (field.number === STATUS) {
      for (const part of wireFields(field.bytes)) {
        if (part.number === STATUS_MESSAGE) span.status.message = wireText(part);
        if (part.number === STATUS_CODE) span.status.code = CODES[Number(part.value)] ?? "unset";
      }
    }
  }
  return span;
}

function readAttribute(message: Uint8Array, into: Record<string, unknown>): void {
  let key = "";
  let value: unknown = null;
  for (const field of wireFields(message)) {
    if (field.number === 1) key = wireText(field);
    if (field.number === 2) value = readValue(field.bytes);
  }
  Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Reads an `AnyValue`: string, boolean, integer, double, list, map or bytes (as hex digits). */
function readValue(message: Uint8Array): unknown {
  let value: unknown = null;
  for (const field of wireFields(message)) value = VALUES[field.number]?.(field) ?? value;
  return value;
}

const VALUES: Readonly<Record<number, (field: WireField) => unknown>> = {
  1: wireText,
  2: ({ value }) => value !== 0n,
  3: ({ value }) => smallest(BigInt.asIntN(64, value)),
  4: ({ value }) => new Float64Array(BigUint64Array.of(value).buffer)[0],
  5: ({ bytes }) => [...contents(bytes, 1)].map(readValue),
  6: ({ bytes }) => {
    const map: Record<string, unknown> = {};
    for (const entry of contents(bytes, 1)) readAttribute(entry, map);
    return map;
  },
  7: wireHex,
};

/** Returns a number if it represents the value exactly, otherwise the digits. */
function smallest(value: bigint): number | string {
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

function* contents(message: Uint8Array, number: number): Generator<Uint8Array> {
  for (const field of wireFields(message)) {
    if (field.number !== number) continue;
    if (field.wireType !== 2) throw new RangeError(`Cannot read field: ${number}`);
    yield field.bytes;
  }
}
