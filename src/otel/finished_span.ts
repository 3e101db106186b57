/**
 * Types of spans, as OpenTelemetry's SDK passes them. They match the SDK's own types, versions 1
 * and 2, so that the declarations of this package do not depend on its packages.
 *
 * @module
 */

/**
 * A time, in seconds and nanoseconds.
 *
 * @example
 * ```ts
 * import type { SpanTime } from "@weave-wal/client/otel";
 *
 * const time: SpanTime = [1_700_000_000, 500_000_000];
 * if (time[0] * 1000 + time[1] / 1e6 !== 1_700_000_000_500) throw new Error();
 * ```
 */
export type SpanTime = [number, number];

/**
 * IDs of a span.
 *
 * @example
 * ```ts
 * import type { SpanIds } from "@weave-wal/client/otel";
 *
 * const ids: SpanIds = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 };
 * if (ids.traceId.length !== 32) throw new Error();
 * ```
 */
export interface SpanIds {
  /** Hex digits. */
  readonly traceId: string;
  /** Hex digits. */
  readonly spanId: string;
  /** Flags: 1 if the span is sampled. */
  readonly traceFlags: number;
  /** Whether the span belongs to another process. */
  readonly isRemote?: boolean;
}

/**
 * The instrumentation that created a span.
 *
 * @example
 * ```ts
 * import type { SpanScope } from "@weave-wal/client/otel";
 *
 * const scope: SpanScope = { name: "my-instrumentation", version: "1.0.0" };
 * if (scope.name === "") throw new Error();
 * ```
 */
export interface SpanScope {
  /** Name of the instrumentation. */
  readonly name: string;
  /** Its version. */
  readonly version?: string;
  /** URL of the schema of attribute names. */
  readonly schemaUrl?: string;
}

/**
 * The process that ran a span.
 *
 * @example
 * ```ts
 * import type { SpanResource } from "@weave-wal/client/otel";
 *
 * const resource: SpanResource = { attributes: { "service.name": "chat" } };
 * if (!("service.name" in resource.attributes)) throw new Error();
 * ```
 */
export interface SpanResource {
  /** Values by name. */
  readonly attributes: object;
  /** URL of the schema of attribute names. */
  readonly schemaUrl?: string;
  /** Whether some attributes are still pending. */
  readonly asyncAttributesPending?: boolean;
  /** Waits for pending attributes. */
  waitForAsyncAttributes?(): Promise<void>;
  /** Returns all attributes, including those that are still promises. */
  getRawAttributes?(): readonly (readonly [string, unknown])[];
}

/**
 * A span that has begun.
 *
 * @example
 * ```ts
 * import type { StartedSpan } from "@weave-wal/client/otel";
 *
 * const nameOf = ({ name, spanContext }: StartedSpan) => `${name} ${spanContext().spanId}`;
 * const ids = { traceId: "0a", spanId: "b7", traceFlags: 1 };
 * if (nameOf({ name: "ask", attributes: {}, spanContext: () => ids }) !== "ask b7") throw new Error();
 * ```
 */
export interface StartedSpan {
  /** Name of the operation. */
  readonly name: string;
  /** Values by name. */
  readonly attributes: object;
  /** Returns the IDs of the span. */
  spanContext(): SpanIds;
}

/**
 * A span that has ended.
 *
 * @example
 * ```ts
 * import type { FinishedSpan } from "@weave-wal/client/otel";
 *
 * const failed = ({ status }: Pick<FinishedSpan, "status">) => status.code === 2;
 * if (failed({ status: { code: 1 } })) throw new Error();
 * ```
 */
export interface FinishedSpan extends StartedSpan {
  /** Internal, server, client, producer or consumer. */
  readonly kind: number;
  /** The parent in version 2 of the SDK. */
  readonly parentSpanContext?: SpanIds;
  /** The parent in version 1 of the SDK. */
  readonly parentSpanId?: string;
  /** Time at which it started. */
  readonly startTime: SpanTime;
  /** Time at which it ended. */
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
  /** Links to related spans. */
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
  /** Number of attributes over the tracer's limits. */
  readonly droppedAttributesCount: number;
  /** Number of events over the tracer's limits. */
  readonly droppedEventsCount: number;
  /** Number of links over the tracer's limits. */
  readonly droppedLinksCount: number;
}
