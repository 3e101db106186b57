/**
 * The tracers that the benchmarks compare. The server and the key come from the environment.
 *
 * @module
 */

import type { Span } from "@opentelemetry/api";
import process from "node:process";
import type { Tracer } from "./workloads.ts";

/** All tracers, by name. */
export const TRACERS: Readonly<Record<string, () => Promise<Tracer>>> = {
  log,
  floor,
  official,
  register,
  otel,
};

/**
 * A flush exports all batches of the queue at once; the default limit of 30 would reject
 * the rest.
 */
export const FLUSHED_AT_ONCE = 10_000;
/** Records per request of {@linkcode floor}. */
const FLOOR_BATCH = 1_000;

/** This package, with the log. */
async function log(): Promise<Tracer> {
  const weave = await import("../../../mod.ts");
  const client = await weave.init("bench/log");
  return { wrap: (name, fn) => weave.op(fn, { name }), delivered: () => client.flush() };
}

/** The official SDK, which has no log. */
async function official(): Promise<Tracer> {
  const weave = await import("weave");
  // Separate projects: one with complete calls accepts no more batches from the SDK.
  const client = await weave.init("bench/official");
  return {
    wrap: (name, fn) => weave.op(fn, { name }) as unknown as typeof fn,
    delivered: () =>
      (client as unknown as { waitForBatchProcessing(): Promise<void> }).waitForBatchProcessing(),
  };
}

/** The official SDK with the log. */
async function register(): Promise<Tracer> {
  await import("../../../src/drop_in/register.ts");
  const { flush } = await import("../../../src/drop_in/durable.ts");
  const weave = await import("weave");
  const client = await weave.init("bench/register");
  return {
    wrap: (name, fn) => weave.op(fn, { name }) as unknown as typeof fn,
    delivered: async () => {
      await (client as unknown as { waitForBatchProcessing(): Promise<void> })
        .waitForBatchProcessing();
      await flush();
    },
  };
}

/** OpenTelemetry's batch processor, which keeps spans in memory, with the protobuf exporter. */
async function otel(): Promise<Tracer> {
  const { context, trace } = await import("@opentelemetry/api");
  const { AsyncLocalStorageContextManager } = await import("@opentelemetry/context-async-hooks");
  const { BasicTracerProvider, BatchSpanProcessor } = await import("@opentelemetry/sdk-trace-base");
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
  const exporter = new OTLPTraceExporter({
    url: `${serverUrl()}/otel/v1/traces`,
    headers: { project_id: "bench/otel" },
    concurrencyLimit: FLUSHED_AT_ONCE,
  });
  const processor = new BatchSpanProcessor(exporter, {
    maxQueueSize: 1e6,
    scheduledDelayMillis: 200,
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  const tracer = provider.getTracer("bench");
  return {
    wrap: (name, fn) => (...args) =>
      tracer.startActiveSpan(name, (span) => {
        span.setAttribute("input.value", JSON.stringify(args));
        const result = context.with(trace.setSpan(context.active(), span), () => fn(...args));
        if (!(result instanceof Promise)) {
          endSpan(span, result);
          return result;
        }
        return result.then((output) => {
          endSpan(span, output);
          return output;
        });
      }),
    delivered: () => processor.forceFlush(),
  };
}

function endSpan(span: Span, output: unknown): void {
  span.setAttribute("output.value", JSON.stringify(output));
  span.end();
}

/**
 * The minimum work of a durable tracer: it stringifies the same values, writes them twice
 * with IDs and times, and posts them in batches. It uses plain objects of one shape and
 * creates no functions per call, so that no engine-specific weakness raises the floor.
 */
async function floor(): Promise<Tracer> {
  const { closeSync, mkdirSync, openSync, writeSync } = await import("node:fs");
  const directory = process.env.WEAVE_WAL_DIR!;
  mkdirSync(directory, { recursive: true });
  const file = openSync(`${directory}/floor.jsonl`, "a");
  process.once("exit", () => closeSync(file));
  let batch: string[] = [];
  let sent: Promise<unknown> = Promise.resolve();
  const post = async (body: string): Promise<void> => {
    const response = await fetch(`${serverUrl()}/call/upsert_batch`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
    });
    await response.text();
  };
  const send = (): void => {
    const body = `{"batch":[${batch.join(",")}]}`;
    batch = [];
    sent = sent.then(() => post(body));
  };
  const record = (request: unknown): void => {
    const text = JSON.stringify(request);
    writeSync(file, text + "\n");
    if (batch.push(text) === FLOOR_BATCH) send();
  };
  const project_id = "bench/floor";
  const end = (id: string, output: unknown): void => {
    const ended_at = new Date().toISOString();
    record({
      mode: "end",
      req: { end: { project_id, id, trace_id: id, ended_at, output, summary: {} } },
    });
  };
  return {
    wrap: (op_name, fn) => (...inputs) => {
      const id = crypto.randomUUID();
      const started_at = new Date().toISOString();
      record({
        mode: "start",
        req: {
          start: { project_id, id, trace_id: id, op_name, started_at, attributes: {}, inputs },
        },
      });
      const result = fn(...inputs);
      if (!(result instanceof Promise)) {
        end(id, result);
        return result;
      }
      return result.then((output) => {
        end(id, output);
        return output;
      });
    },
    delivered: () => {
      if (batch.length > 0) send();
      return sent;
    },
  };
}

function serverUrl(): string {
  return process.env.WF_TRACE_SERVER_URL!;
}
