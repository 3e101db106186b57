/**
 * A program that is killed while spans are open.
 *
 * @module
 */

import process from "node:process";
import { context, trace } from "@opentelemetry/api";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { WalSpanProcessor } from "../../../src/otel/otel.ts";

/** Instructions for the child; its only argument, as JSON. */
export interface InterruptedSpanPlan {
  readonly walDir: string;
  readonly serverUrl: string;
  readonly sender: boolean;
  /** Number of rounds of complete spans inside the outer ones. */
  readonly rounds: number;
}

const plan = JSON.parse(process.argv[2]) as InterruptedSpanPlan;
const processor = new WalSpanProcessor({
  project: "team/project",
  apiKey: "test-key",
  serverUrl: plan.serverUrl,
  walDir: plan.walDir,
  sender: plan.sender,
  segmentBytes: 4_096,
  lingerMs: 5,
  retryMaxMs: 50,
  logLevel: "critical",
  recordStarts: true,
});
const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer("kill");
const outer = tracer.startSpan("outer", { attributes: { "gen_ai.prompt": "why?" } });
const inOuter = trace.setSpan(context.active(), outer);
const inner = tracer.startSpan("inner", {}, inOuter);
const inInner = trace.setSpan(inOuter, inner);
for (let n = 0; n < plan.rounds; n++) tracer.startSpan(`leaf${n}`, {}, inInner).end();
if (plan.sender) await processor.forceFlush();
console.log("hanging");
setInterval(() => {}, 60_000);
