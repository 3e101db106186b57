/**
 * A program whose spans are recorded by the processor of this package, or by
 * OpenTelemetry's own `BatchSpanProcessor` and exporter. Reports each span in a file
 * after `end()` has returned.
 *
 * @module
 */

import { openSync, writeSync } from "node:fs";
import process from "node:process";
import { context, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { WalSpanProcessor } from "../../../src/otel/otel.ts";
import { seeded } from "../kill/kill_records.ts";

/** Instructions for the child; its only argument, as JSON. */
export interface SpanPlan {
  readonly processor: "wal" | "batch";
  readonly walDir: string;
  readonly serverUrl: string;
  /** File that receives a line for every ended span. */
  readonly report: string;
  /** Prefix of every name. */
  readonly prefix: string;
  readonly seed: number;
  /** Whether this process sends (`wal` only). */
  readonly sender: boolean;
}

const plan = JSON.parse(process.argv[2]) as SpanPlan;
const random = seeded(plan.seed);
const reportFile = openSync(plan.report, "a");
const tracer = new BasicTracerProvider({ spanProcessors: [processor()] }).getTracer("kill");
console.log("started");
for (let i = 0;; i++) {
  const root = tracer.startSpan(`${plan.prefix}-${i}`);
  const inside = trace.setSpan(context.active(), root);
  const size = Math.floor(random() ** 4 * 20_000);
  const child = tracer.startSpan(`${plan.prefix}-${i}-child`, {
    attributes: { "gen_ai.prompt": "x".repeat(size) },
  }, inside);
  child.end();
  writeSync(reportFile, `${plan.prefix}-${i}-child\n`);
  root.end();
  writeSync(reportFile, `${plan.prefix}-${i}\n`);
  if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 5));
}

function processor(): SpanProcessor {
  if (plan.processor === "wal") {
    return new WalSpanProcessor({
      project: "team/project",
      apiKey: "test-key",
      serverUrl: plan.serverUrl,
      walDir: plan.walDir,
      sender: plan.sender,
      logLevel: "error",
      lingerMs: 5,
    });
  }
  return new BatchSpanProcessor(
    new OTLPTraceExporter({
      url: `${plan.serverUrl}/otel/v1/traces`,
      headers: { project_id: "team/project", Authorization: `Basic ${btoa("api:test-key")}` },
    }),
  );
}
