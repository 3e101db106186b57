/**
 * OpenTelemetry spans of one project.
 *
 * @module
 */

import type { OtelView } from "../../../src/protocol/otlp/otel_request.ts";
import type { Span } from "../../../src/protocol/otlp/spans.ts";
import type { MockCounts } from "./counts.ts";

/** A span; times are epoch nanoseconds in decimal. */
export interface StoredSpan extends Omit<Span, "startTime" | "endTime"> {
  readonly view: OtelView;
  readonly startTime: string;
  readonly endTime: string;
}

/** The spans of one project, by view. */
export class SpanStore {
  readonly #counts: MockCounts;
  readonly #keepBodies: boolean;
  readonly #spans: Map<string, StoredSpan> = new Map();

  constructor(counts: MockCounts, keepBodies: boolean) {
    this.#counts = counts;
    this.#keepBodies = keepBodies;
  }

  /** Number of spans. */
  get size(): number {
    return this.#spans.size;
  }

  /** Adds a span, replacing the same one. */
  add(view: OtelView, span: Span): void {
    const key = `${view} ${span.traceId} ${span.spanId}`;
    this.#counts.spans++;
    if (this.#spans.has(key)) this.#counts.duplicateSpans++;
    this.#spans.set(key, {
      ...span,
      view,
      startTime: String(span.startTime),
      endTime: String(span.endTime),
      attributes: this.#keepBodies ? span.attributes : {},
      resource: this.#keepBodies ? span.resource : {},
    });
  }

  /** All spans, in order of arrival. */
  list(): StoredSpan[] {
    return [...this.#spans.values()];
  }
}
