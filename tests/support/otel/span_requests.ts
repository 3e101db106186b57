/**
 * Spans serialized by OpenTelemetry's own packages.
 *
 * @module
 */

import { type Attributes, SpanStatusCode } from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";

/** Plan of a span. */
export interface SpanPlan {
  readonly name: string;
  readonly attributes?: Attributes;
  /** Message of its error, if it fails. */
  readonly error?: string;
  /** Spans that start and end within it. */
  readonly children?: readonly SpanPlan[];
  /** Epoch ms of its start and end. */
  readonly from?: number;
  readonly to?: number;
}

/** A serialized request for each span, in order of their ends. */
export async function spanRequests(
  plans: readonly SpanPlan[],
  resource: Attributes = {},
): Promise<Uint8Array[]> {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ "service.name": "test", ...resource }),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const { context, trace } = await import("@opentelemetry/api");
  const tracer = provider.getTracer("tests", "1.0.0");
  const make = (plan: SpanPlan, parent = context.active()): void => {
    const { name, attributes = {}, error, children = [], from, to } = plan;
    const span = tracer.startSpan(
      name,
      { attributes, ...(from === undefined ? {} : { startTime: from }) },
      parent,
    );
    for (const child of children) make(child, trace.setSpan(parent, span));
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.end(to);
  };
  for (const plan of plans) make(plan);
  await provider.forceFlush();
  return exporter.getFinishedSpans().map((span) =>
    ProtobufTraceSerializer.serializeRequest([span])!
  );
}

/** A serialized request with one span of this name. */
export async function spanRequest(name: string, attributes: Attributes = {}): Promise<Uint8Array> {
  return (await spanRequests([{ name, attributes }]))[0];
}
