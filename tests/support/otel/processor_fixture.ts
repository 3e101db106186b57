/**
 * A client that collects records, with OpenTelemetry tracers.
 *
 * @module
 */

import type { Attributes, Tracer } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  type SpanProcessor,
  type TracerConfig,
} from "@opentelemetry/sdk-trace-base";
import type { InitOptions } from "../../../src/client/settings/options.ts";
import { type SpanOptions, WalSpanProcessor } from "../../../src/otel/otel.ts";
import { fromBase64 } from "../../../src/protocol/json/base64.ts";
import { readSpans, type Span } from "../../../src/protocol/otlp/spans.ts";
import { type Any, clientFixture, type Fixture } from "../client/client_fixture.ts";

/** A tracer with a processor. */
export function tracerOf(processor: SpanProcessor, config: TracerConfig = {}): Tracer {
  return new BasicTracerProvider({ ...config, spanProcessors: [processor] }).getTracer("tests");
}

/** A client that collects records, with the tracer of a processor. */
export async function recording(
  options: InitOptions = {},
  config: TracerConfig = {},
  spanOptions: SpanOptions = {},
): Promise<Fixture & { processor: WalSpanProcessor; tracer: Tracer }> {
  const fixture = await clientFixture(options);
  const processor = new WalSpanProcessor({ client: fixture.client, ...spanOptions });
  return { ...fixture, processor, tracer: tracerOf(processor, config), client: fixture.client };
}

/** The recorded spans. */
export function spansOf({ pipeline }: Pick<Fixture, "pipeline">): Span[] {
  return pipeline.records.flatMap(({ req }) => readSpans(fromBase64(req.request_base64)));
}

/** IDs of a span. */
export const IDS = {
  traceId: "0123456789abcdef0123456789abcdef",
  spanId: "0123456789abcdef",
  traceFlags: 1,
};

/** An ended span of version 1 of the SDK. */
export function finished(attributes: Attributes = {}): Any {
  const time = (seconds: number): [number, number] => [seconds, 0];
  return {
    name: "old",
    kind: 0,
    spanContext: () => IDS,
    startTime: time(1),
    endTime: time(2),
    status: { code: 0 },
    attributes,
    events: [],
    links: [],
    resource: { attributes: {} },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}
