/**
 * Creates OpenTelemetry spans and measures the time that each takes in the program, and
 * its CPU time until it is delivered. Prints one line of JSON.
 *
 * Usage: `otel.ts <wal or batch> <spans> <server URL> <directory>`
 *
 * @module
 */

import process from "node:process";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { WalSpanProcessor } from "../../../src/otel/otel.ts";
import { FLUSHED_AT_ONCE } from "../workloads/tracers.ts";

/** Spans per turn of the event loop; batches are exported between turns. */
const SPANS_PER_TURN = 50;
const [kind, spans, url, directory] = process.argv.slice(2);

const provider = new BasicTracerProvider({ spanProcessors: [processor()] });
const tracer = provider.getTracer("bench");

function processor(): SpanProcessor {
  if (kind === "wal") {
    return new WalSpanProcessor({
      project: "bench/bench",
      apiKey: "k".repeat(40),
      serverUrl: url,
      walDir: directory,
      logLevel: "error",
    });
  }
  // A queue of the default size would drop spans at this rate.
  return new BatchSpanProcessor(
    new OTLPTraceExporter({
      url: `${url}/otel/v1/traces`,
      headers: { project_id: "bench/bench", Authorization: `Basic ${btoa("api:key")}` },
      concurrencyLimit: FLUSHED_AT_ONCE,
    }),
    { maxQueueSize: 1_000_000 },
  );
}

/** @returns Microseconds per span. */
async function run(count: number): Promise<number> {
  let micros = 0;
  for (let made = 0; made < count;) {
    const from = performance.now();
    for (let i = 0; i < SPANS_PER_TURN; i++, made++) {
      const span = tracer.startSpan("chat gpt-4o", {
        attributes: {
          "gen_ai.operation.name": "chat",
          "gen_ai.request.model": "gpt-4o",
          "gen_ai.input.messages": "What is written before it is sent? ".repeat(10),
        },
      });
      span.setAttribute("gen_ai.usage.input_tokens", made);
      span.setAttribute("gen_ai.output.messages", "Every span, at its end. ".repeat(10));
      span.end();
    }
    micros += (performance.now() - from) * 1_000;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await provider.forceFlush();
  return micros / count;
}

// Runs until everything is compiled, as in a program that has run for a while.
await run(Number(spans) / 2);
const before = process.cpuUsage();
const spanMicros = await run(Number(spans));
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ spanMicros, cpuMicros: (user + system) / Number(spans) }));
await provider.shutdown();
process.exit(0);
