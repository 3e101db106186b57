/**
 * Serializes spans, redacted, as an `ExportTraceServiceRequest` of one span.
 *
 * OpenTelemetry's own serializer is made for batches. Here each span is a request, so the resource
 * and the scope, which are the same in most spans, are serialized once, and the buffer is reused.
 *
 * @module
 */

import type { Redactor } from "../client/redaction/redactor.ts";
import { MessageWriter, WRAP_BYTES } from "../protocol/otlp/message_writer.ts";
import type { FinishedSpan, SpanResource, SpanScope } from "./finished_span.ts";
import { SpanRedactor } from "./redact_span.ts";

// Field numbers in opentelemetry/proto/{collector/trace,trace,resource,common}/v1.
const RESOURCE_SPANS = 1, RESOURCE = 1, SCOPE_SPANS = 2, SCOPE = 1, SPANS = 2, SCHEMA_URL = 3;
const TRACE_ID = 1, SPAN_ID = 2, TRACE_STATE = 3, PARENT_SPAN_ID = 4, NAME = 5, KIND = 6;
const START = 7, END = 8, ATTRIBUTES = 9, DROPPED_ATTRIBUTES = 10, EVENTS = 11;
const DROPPED_EVENTS = 12, LINKS = 13, DROPPED_LINKS = 14, STATUS = 15, FLAGS = 16;
const KEY = 1, VALUE = 2;
const STRING = 1, BOOL = 2, INT = 3, DOUBLE = 4, ARRAY = 5, MAP = 6, ITEM = 1;
const HAS_IS_REMOTE = 0x100, IS_REMOTE = 0x200;
const MAX_INT = 2 ** 63;

/** Maximum bytes of a span: the server accepts requests of 32 MiB. */
const MAX_SPAN_BYTES = 30 * 1024 * 1024;
const NO_SCOPE: SpanScope = { name: "" };

/** A serialized resource or scope. */
interface Surroundings {
  /** Precedes the spans: a field with the resource or the scope. */
  readonly front: Uint8Array;
  /** Follows them: the URL of the schema. */
  readonly back: Uint8Array;
}

/** Serializes the spans of one recorder. */
export class SpanSerializer {
  readonly #redactor: SpanRedactor;
  readonly #out = new MessageWriter();
  readonly #resources = new WeakMap<SpanResource, Surroundings>();
  readonly #scopes = new WeakMap<SpanScope, Surroundings>();

  constructor(redactor: Redactor) {
    this.#redactor = new SpanRedactor(redactor);
  }

  /**
   * Serializes a span of SDK version 1 or 2.
   *
   * @returns Bytes that are valid until the next call.
   */
  serialize(span: FinishedSpan): Uint8Array {
    const bytes = this.#request(span);
    if (bytes.length <= MAX_SPAN_BYTES) return bytes;
    const omitted = `${bytes.length} bytes, over the size limit`;
    return this.#request(span, { "weave_wal.omitted": omitted });
  }

  /** @param instead Attributes in place of all attributes, events and links. */
  #request(span: FinishedSpan, instead?: object): Uint8Array {
    const resource = this.#resource(span.resource);
    const scope = this.#scope(span.instrumentationScope ?? span.instrumentationLibrary ?? NO_SCOPE);
    const out = this.#out;
    out.clear(resource.front.length + scope.front.length + 3 * WRAP_BYTES);
    this.#span(span, instead);
    out.wrap(SPANS);
    out.prepend(scope.front);
    out.append(scope.back);
    out.wrap(SCOPE_SPANS);
    out.prepend(resource.front);
    out.append(resource.back);
    out.wrap(RESOURCE_SPANS);
    return out.written();
  }

  #span(span: FinishedSpan, instead: object | undefined): void {
    const out = this.#out;
    const redactor = this.#redactor;
    const context = span.spanContext();
    const parent = span.parentSpanContext;
    out.hex(TRACE_ID, context.traceId);
    out.hex(SPAN_ID, context.spanId);
    const state = redactor.state(context);
    if (state) out.text(TRACE_STATE, state);
    const parentId = parent?.spanId ?? span.parentSpanId;
    if (parentId) out.hex(PARENT_SPAN_ID, parentId);
    out.text(NAME, redactor.text(span.name, "name"));
    // 0 means unspecified.
    if (span.kind != null) out.varint(KIND, span.kind + 1);
    out.nanoseconds(START, span.startTime[0], span.startTime[1]);
    out.nanoseconds(END, span.endTime[0], span.endTime[1]);
    writeAttributes(out, ATTRIBUTES, instead ?? redactor.attributes(span.attributes));
    out.varint(DROPPED_ATTRIBUTES, span.droppedAttributesCount || 0);
    if (instead === undefined) this.#events(span);
    out.varint(DROPPED_EVENTS, span.droppedEventsCount || 0);
    if (instead === undefined) this.#links(span);
    out.varint(DROPPED_LINKS, span.droppedLinksCount || 0);
    this.#status(span);
    out.fixed32(FLAGS, flagsOf(context.traceFlags, parent?.isRemote));
  }

  #status({ status }: FinishedSpan): void {
    const begin = this.#out.open(STATUS);
    if (status.message) this.#out.text(2, this.#redactor.text(status.message, "message"));
    this.#out.varint(3, status.code);
    this.#out.close(begin);
  }

  #events({ events }: FinishedSpan): void {
    for (const { name, time, attributes, droppedAttributesCount } of events) {
      const begin = this.#out.open(EVENTS);
      this.#out.nanoseconds(1, time[0], time[1]);
      this.#out.text(2, this.#redactor.text(name, "name"));
      writeAttributes(this.#out, 3, this.#redactor.attributes(attributes));
      this.#out.varint(4, droppedAttributesCount || 0);
      this.#out.close(begin);
    }
  }

  #links({ links }: FinishedSpan): void {
    for (const { context, attributes, droppedAttributesCount } of links) {
      const begin = this.#out.open(LINKS);
      this.#out.hex(1, context.traceId);
      this.#out.hex(2, context.spanId);
      const state = this.#redactor.state(context);
      if (state) this.#out.text(3, state);
      writeAttributes(this.#out, 4, this.#redactor.attributes(attributes));
      this.#out.varint(5, droppedAttributesCount || 0);
      this.#out.fixed32(6, flagsOf(context.traceFlags, context.isRemote));
      this.#out.close(begin);
    }
  }

  #resource(resource: SpanResource): Surroundings {
    const known = this.#resources.get(resource);
    if (known !== undefined) return known;
    const isPending = resource.asyncAttributesPending === true;
    const attributes = isPending ? settled(resource) : resource.attributes;
    const made = this.#surroundings(RESOURCE, resource.schemaUrl, (out) => {
      writeAttributes(out, 1, this.#redactor.attributes(attributes));
      out.varint(2, 0);
    });
    // A span is recorded when it ends; attributes that are still pending are only in later spans.
    if (isPending) resource.waitForAsyncAttributes?.().catch(() => {});
    else this.#resources.set(resource, made);
    return made;
  }

  #scope(scope: SpanScope): Surroundings {
    const known = this.#scopes.get(scope);
    if (known !== undefined) return known;
    const made = this.#surroundings(SCOPE, scope.schemaUrl, (out) => {
      out.text(1, this.#redactor.text(scope.name, "name"));
      if (scope.version) out.text(2, this.#redactor.text(scope.version, "version"));
    });
    this.#scopes.set(scope, made);
    return made;
  }

  #surroundings(
    number: number,
    schemaUrl: string | undefined,
    write: (out: MessageWriter) => void,
  ): Surroundings {
    const front = new MessageWriter();
    const begin = front.open(number);
    write(front);
    front.close(begin);
    const back = new MessageWriter();
    if (schemaUrl) back.text(SCHEMA_URL, this.#redactor.text(schemaUrl, "schema_url"));
    return { front: front.written().slice(), back: back.written().slice() };
  }
}

/** Writes attributes, which are JSON data, or may be undefined. */
function writeAttributes(out: MessageWriter, number: number, attributes: object): void {
  for (const key of Object.keys(attributes)) {
    const value = (attributes as Record<string, unknown>)[key];
    const likely = typeof value === "string" ? value.length + HEADS : 0;
    const likelyPair = key.length + likely + HEADS;
    const pair = out.open(number, likelyPair);
    out.text(KEY, key);
    const begin = out.open(VALUE, likely);
    writeValue(out, value);
    out.close(begin, likely);
    out.close(pair, likelyPair);
  }
}

/** Likely bytes of tag and length of a field that contains a long text. */
const HEADS = 3;

function writeValue(out: MessageWriter, value: unknown): void {
  switch (typeof value) {
    case "string":
      return out.text(STRING, value);
    case "boolean":
      return out.varint(BOOL, value ? 1 : 0);
    case "number":
      return Number.isInteger(value) && value >= -MAX_INT && value < MAX_INT
        ? out.varint(INT, value)
        : out.double(DOUBLE, value);
    case "object":
      if (value !== null) writeItems(out, value);
  }
}

function writeItems(out: MessageWriter, value: object): void {
  if (!Array.isArray(value)) {
    const map = out.open(MAP);
    writeAttributes(out, ITEM, value);
    return out.close(map);
  }
  const list = out.open(ARRAY);
  for (const item of value) {
    const begin = out.open(ITEM);
    writeValue(out, item);
    out.close(begin);
  }
  out.close(list);
}

function flagsOf(traceFlags: number, isRemote: boolean | undefined): number {
  return traceFlags & 0xff | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0);
}

/** Returns the attributes of a resource that are already known. */
function settled(resource: SpanResource): object {
  const entries = resource.getRawAttributes?.();
  if (entries === undefined) return resource.attributes;
  const known: Record<string, unknown> = {};
  for (const [name, value] of entries) {
    const isLater = typeof value === "object" && value !== null && "then" in value;
    if (!isLater && value != null) known[name] ??= value;
  }
  return known;
}
