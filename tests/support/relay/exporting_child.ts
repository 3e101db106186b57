/**
 * Exports spans with OpenTelemetry's own processor and exporter.
 *
 * @module
 */

import process from "node:process";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

/** Instructions for the child; its only argument, as JSON. */
export interface ExportPlan {
  readonly url: string;
  readonly project: string;
  readonly spans: number;
}

const plan = JSON.parse(process.argv[2]) as ExportPlan;
const exporter = new OTLPTraceExporter({
  url: `${plan.url}/otel/v1/traces`,
  headers: { project_id: plan.project },
});
const processor = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 50 });
const provider = new BasicTracerProvider({ spanProcessors: [processor] });
const tracer = provider.getTracer("tests");
for (let n = 0; n < plan.spans; n++) {
  tracer.startSpan(`span ${n}`).end();
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await provider.shutdown();
