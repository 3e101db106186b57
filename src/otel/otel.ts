/**
 * Records OpenTelemetry spans in the log: each span is on disk before `span.end()` returns, and is
 * delivered from there to Weave's Traces or Agents view.
 *
 * Requires `@opentelemetry/otlp-transformer`, which serializes the spans.
 *
 * @module
 */

import type { FinishedSpan, StartedSpan } from "./finished_span.ts";
import type { SpanOptions } from "./span_options.ts";
import { SpanRecorder } from "./span_recorder.ts";

export type { FinishedSpan, SpanOptions, StartedSpan };
export type { SpanIds, SpanResource, SpanScope, SpanTime } from "./finished_span.ts";
export type { OtelView } from "../protocol/otlp/otel_request.ts";

/**
 * A span processor that synchronously appends each span to the log when it ends. It replaces
 * `BatchSpanProcessor` and its exporter.
 *
 * Spans that the tracer does not sample are not recorded, nor are spans of traces that `sampleRate`
 * excludes. Redaction applies to names, attributes, events, links and resources.
 *
 * @example
 * ```ts
 * import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
 * import { WalSpanProcessor } from "@weave-wal/client/otel";
 *
 * const sent: string[] = [];
 * const processor = new WalSpanProcessor({
 *   project: "team/project",
 *   apiKey: "of-the-example",
 *   wal: false, // the default is a log on disk
 *   fetch: (url) => Promise.resolve(new Response(sent.push(`${url}`) > 0 ? "{}" : null)),
 * });
 * const provider = new BasicTracerProvider({ spanProcessors: [processor] });
 * provider.getTracer("example").startSpan("answer").end();
 * await provider.shutdown();
 * if (!sent.includes("https://trace.wandb.ai/otel/v1/traces")) throw new Error(sent.join());
 * ```
 */
export class WalSpanProcessor {
  readonly #recorder: SpanRecorder;

  /**
   * Opens the log, or uses that of an open client.
   *
   * @throws {WeaveWalError} `ERR_INVALID_OPTION`; `ERR_NOT_INITIALIZED` with neither a project nor
   * a client; the errors of `init`.
   */
  constructor(options: SpanOptions = {}) {
    this.#recorder = new SpanRecorder(options);
  }

  /**
   * Called by the SDK when a span starts.
   *
   * @param span The span.
   */
  onStart(span: StartedSpan, _parentContext?: unknown): void {
    this.#recorder.start(span);
  }

  /**
   * Called by the SDK when a span ends. On return, the span is in the log. Never throws.
   *
   * @param span The span.
   */
  onEnd(span: FinishedSpan): void {
    this.#recorder.record(span);
  }

  /**
   * Waits until the server has accepted all spans, for at most `timeoutMs` and 20 s. Spans that are
   * not accepted by then stay in the log. Never rejects.
   */
  forceFlush(): Promise<void> {
    return this.#recorder.flush();
  }

  /**
   * Stops recording, and delivers for at most `exitDrainMs`; the next run delivers the rest. Closes
   * the log unless it belongs to another client. Never rejects.
   */
  shutdown(): Promise<void> {
    return this.#recorder.shutdown();
  }
}

/**
 * Result of an export.
 *
 * @example
 * ```ts
 * import type { SpanExportResult } from "@weave-wal/client/otel";
 *
 * const check = ({ code, error }: SpanExportResult) => {
 *   if (code !== 0) throw error;
 * };
 * check({ code: 0 });
 * ```
 */
export interface SpanExportResult {
  /** 0 if all spans are in the log, 1 if some are not. */
  code: number;
  /** The error, if `code` is 1. */
  error?: Error;
}

/**
 * A span exporter, for programs that keep their span processor. Spans are in the log when `export`
 * calls back: with `SimpleSpanProcessor` soon after each span ends, with `BatchSpanProcessor` when
 * it exports the batch. Spans that are not exported yet are lost if the process is killed.
 *
 * @example
 * ```ts ignore
 * import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
 * import { WalSpanExporter } from "@weave-wal/client/otel";
 *
 * const exporter = new WalSpanExporter({ project: "team/project", view: "agents" });
 * const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
 * provider.getTracer("example").startSpan("answer").end();
 * await provider.shutdown();
 * ```
 */
export class WalSpanExporter {
  readonly #recorder: SpanRecorder;

  /**
   * Opens the log, or uses that of an open client.
   *
   * @throws {WeaveWalError} The same as the constructor of {@linkcode WalSpanProcessor}.
   */
  constructor(options: SpanOptions = {}) {
    this.#recorder = new SpanRecorder(options);
  }

  /**
   * Appends the spans, then calls back. Never throws.
   *
   * @param spans The spans.
   * @param resultCallback Called once, when the spans are in the log.
   */
  export(spans: readonly FinishedSpan[], resultCallback: (result: SpanExportResult) => void): void {
    let failed: Error | undefined;
    for (const span of spans) failed = this.#recorder.record(span) ?? failed;
    resultCallback(failed === undefined ? { code: 0 } : { code: 1, error: failed });
  }

  /** Same as {@linkcode WalSpanProcessor.forceFlush}. */
  forceFlush(): Promise<void> {
    return this.#recorder.flush();
  }

  /** Same as {@linkcode WalSpanProcessor.shutdown}. */
  shutdown(): Promise<void> {
    return this.#recorder.shutdown();
  }
}
