/**
 * Spans as OpenTelemetry's SDK hands them over. The types have the shape of the SDK's own, versions 1
 * and 2, so that the declarations of this package need none of its packages.
 *
 * @module
 */

/** Seconds and nanoseconds. */
export type SpanTime = [number, number];

/** IDs of a span. */
export interface SpanIds {
  /** Hexadecimal digits. */
  readonly traceId: string;
  /** Hexadecimal digits. */
  readonly spanId: string;
  /** 1 if the span is sampled. */
  readonly traceFlags: number;
  /** Whether the span is one of another process. */
  readonly isRemote?: boolean;
}

/** The instrumentation that made a span. */
export interface SpanScope {
  /** The name of the instrumentation. */
  readonly name: string;
  /** Its version. */
  readonly version?: string;
  /** The schema of the names of attributes. */
  readonly schemaUrl?: string;
}

/** The process that ran a span. */
export interface SpanResource {
  /** Values by name. */
  readonly attributes: object;
  /** The schema of the names of attributes. */
  readonly schemaUrl?: string;
  /** Whether some attributes are still looked up. */
  readonly asyncAttributesPending?: boolean;
  /** Waits for them. */
  waitForAsyncAttributes?(): Promise<void>;
  /** All attributes, also those that are still promises. */
  getRawAttributes?(): readonly (readonly [string, unknown])[];
}

/** A span that has begun. */
export interface StartedSpan {
  /** Name of the operation. */
  readonly name: string;
  /** Values by name. */
  readonly attributes: object;
  /** Returns the IDs of the span. */
  spanContext(): SpanIds;
}

/** A span that has ended. */
export interface FinishedSpan extends StartedSpan {
  /** Internal, server, client, producer or consumer. */
  readonly kind: number;
  /** The parent in version 2 of the SDK. */
  readonly parentSpanContext?: SpanIds;
  /** The parent in version 1 of the SDK. */
  readonly parentSpanId?: string;
  /** When it began. */
  readonly startTime: SpanTime;
  /** When it ended. */
  readonly endTime: SpanTime;
  /** Unset (0), ok (1) or error (2). */
  readonly status: { readonly code: number; readonly message?: string };
  /** Events during the span. */
  readonly events: readonly {
    readonly name: string;
    readonly time: SpanTime;
    readonly attributes?: object;
    readonly droppedAttributesCount?: number;
  }[];
  /** Spans that it relates to. */
  readonly links: readonly {
    readonly context: SpanIds;
    readonly attributes?: object;
    readonly droppedAttributesCount?: number;
  }[];
  /** The process that ran it. */
  readonly resource: SpanResource;
  /** The scope in version 2 of the SDK. */
  readonly instrumentationScope?: SpanScope;
  /** The scope in version 1 of the SDK. */
  readonly instrumentationLibrary?: SpanScope;
  /** Attributes over the tracer's limits. */
  readonly droppedAttributesCount: number;
  /** Events over the tracer's limits. */
  readonly droppedEventsCount: number;
  /** Links over the tracer's limits. */
  readonly droppedLinksCount: number;
}
