/**
 * Copies spans with redaction and value limits applied.
 *
 * @module
 */

import type { Redactor } from "../client/redaction/redactor.ts";
import { MAX_CALL_VALUE_CHARS } from "../protocol/json/size_limits.ts";
import type { FinishedSpan, SpanIds, SpanResource, SpanScope } from "./finished_span.ts";

/** IDs with the state that other vendors pass along. */
interface StatefulIds extends SpanIds {
  readonly traceState?: { serialize(): string };
}

/** Copies the spans of one client. */
export class SpanRedactor {
  readonly #redactor: Redactor;
  /** Copies of resources, which are few and shared by many spans. */
  readonly #resources = new WeakMap<SpanResource, SpanResource>();
  /** Copies of scopes. */
  readonly #scopes = new WeakMap<SpanScope, SpanScope>();

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /**
   * Returns a copy of a span for serialization, with the property names of both SDK versions, 1 and
   * 2.
   */
  copy(span: FinishedSpan): FinishedSpan {
    const { parentSpanContext, status } = span;
    const scope = this.#scope(span.instrumentationScope ?? span.instrumentationLibrary);
    const context = this.#context(span.spanContext());
    const parentSpanId = span.parentSpanId ?? parentSpanContext?.spanId;
    return {
      name: this.#text(span.name, "name"),
      kind: span.kind,
      spanContext: () => context,
      parentSpanContext: parentSpanContext ??
        (parentSpanId ? { ...context, spanId: parentSpanId } : undefined),
      parentSpanId,
      startTime: span.startTime,
      endTime: span.endTime,
      status: status.message
        ? { code: status.code, message: this.#text(status.message, "message") }
        : status,
      attributes: this.#attributes(span.attributes),
      events: span.events.map((event) => ({
        name: this.#text(event.name, "name"),
        time: event.time,
        attributes: this.#attributes(event.attributes),
        droppedAttributesCount: event.droppedAttributesCount,
      })),
      links: span.links.map((link) => ({
        ...link,
        context: this.#context(link.context),
        attributes: this.#attributes(link.attributes),
      })),
      resource: this.#resource(span.resource),
      instrumentationScope: scope,
      instrumentationLibrary: scope,
      droppedAttributesCount: span.droppedAttributesCount,
      droppedEventsCount: span.droppedEventsCount,
      droppedLinksCount: span.droppedLinksCount,
    };
  }

  /** Returns IDs with the trace state, which other vendors fill, redacted. */
  #context(ids: SpanIds): SpanIds {
    const state = (ids as StatefulIds).traceState?.serialize();
    if (state === undefined || this.#redactor.isClean(state)) return ids;
    const redacted = this.#text(state, "trace_state");
    return { ...ids, traceState: { serialize: () => redacted } } as StatefulIds;
  }

  #scope(scope: SpanScope | undefined): SpanScope {
    if (scope === undefined) return { name: "" };
    const known = this.#scopes.get(scope);
    if (known !== undefined) return known;
    const copy = {
      name: this.#text(scope.name, "name"),
      version: this.#optional(scope.version, "version"),
      schemaUrl: this.#optional(scope.schemaUrl, "schema_url"),
    };
    this.#scopes.set(scope, copy);
    return copy;
  }

  #optional(text: string | undefined, field: string): string | undefined {
    return text === undefined ? undefined : this.#text(text, field);
  }

  #text(text: string, field: string): string {
    return this.#redactor.isClean(text, MAX_CALL_VALUE_CHARS)
      ? text
      : this.#redactor.text(String(text).slice(0, MAX_CALL_VALUE_CHARS), field);
  }

  #attributes(attributes: object | undefined): object {
    if (attributes === undefined) return {};
    if (this.#redactor.isClean(attributes, MAX_CALL_VALUE_CHARS)) return attributes;
    const text = this.#redactor.toText(attributes, undefined, MAX_CALL_VALUE_CHARS, "attributes");
    const redacted: unknown = JSON.parse(text);
    return typeof redacted === "object" && redacted !== null ? redacted : {};
  }

  #resource(resource: SpanResource): SpanResource {
    const known = this.#resources.get(resource);
    if (known !== undefined) return known;
    const isPending = resource.asyncAttributesPending === true;
    const copy: SpanResource = {
      attributes: this.#attributes(isPending ? settled(resource) : resource.attributes),
      schemaUrl: this.#optional(resource.schemaUrl, "schema_url"),
    };
    // A span is recorded when it ends; attributes that are still pending are only in later spans.
    if (isPending) resource.waitForAsyncAttributes?.().catch(() => {});
    else this.#resources.set(resource, copy);
    return copy;
  }
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
