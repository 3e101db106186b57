/**
 * Appends spans to the log of a client.
 *
 * @module
 */

import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { WeaveClient } from "../client/weave_client/client.ts";
import { describeError } from "../client/calls/describe_error.ts";
import { withoutTelemetry } from "../client/server/outside.ts";
import type { SpanTarget } from "../client/span_target.ts";
import { type OtelRecordType, otelRecordType, otelRequest } from "../protocol/otlp/otel_request.ts";
import type { FinishedSpan, StartedSpan } from "./finished_span.ts";
import { SpanRedactor } from "./redact_span.ts";
import { resolveSpanOptions, type SpanOptions } from "./span_options.ts";

/** Maximum bytes of a span: the server accepts requests of 32 MiB. */
const MAX_SPAN_BYTES = 30 * 1024 * 1024;
/** Maximum number of traces whose sampling decision is cached. */
const MAX_TRACES = 10_000;
/** Maximum ms of a flush: the SDK's `forceFlush` rejects after 30 seconds. */
const MAX_FLUSH_MS = 20_000;
const SAMPLED = 1;

/** Records the spans of one processor or exporter. */
export class SpanRecorder {
  readonly #client: WeaveClient;
  readonly #isOwn: boolean;
  readonly #target: SpanTarget;
  readonly #type: OtelRecordType;
  readonly #recordStarts: boolean;
  readonly #redactor: SpanRedactor;
  /** Cached decisions of the sampling function. */
  readonly #sampled = new Map<string, boolean>();
  #isRecording = false;
  #isShutDown = false;

  /** @throws {WeaveWalError} The same as `resolveSpanOptions`. */
  constructor(options: SpanOptions) {
    const { client, target, view, isOwn, recordStarts } = resolveSpanOptions(options);
    this.#recordStarts = recordStarts;
    this.#client = client;
    this.#isOwn = isOwn;
    this.#target = target;
    this.#type = otelRecordType(view);
    this.#redactor = new SpanRedactor(target.redactor);
  }

  /**
   * Decides at the first span of a trace whether the trace is recorded, and records the span's
   * start if configured. Never throws.
   */
  start(span: StartedSpan): void {
    if (!this.#target.sampler.asksFunction && !this.#recordStarts) return;
    if (this.#isRecording || this.#isShutDown || this.#target.settings.disabled) return;
    this.#isRecording = true;
    try {
      const isWanted = this.#isSampled(span) && (span.spanContext().traceFlags & SAMPLED) !== 0;
      if (!isWanted || !this.#recordStarts) return;
      // The SDK's own span, which has the fields of a finished span.
      const text = this.#requestOf(span as FinishedSpan);
      withoutTelemetry(() => this.#target.noteStart(this.#type, text));
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isRecording = false;
    }
  }

  /**
   * Appends a span; on return, it is in the log. Never throws.
   *
   * @returns The error, if the span could not be recorded.
   */
  record(span: FinishedSpan): Error | undefined {
    // A span that ends here is about the log itself, or was created by the program's `redact`.
    if (this.#isRecording || this.#target.settings.disabled) return undefined;
    if (this.#isShutDown) return new Error("Cannot record a span: shutdown() was called");
    this.#isRecording = true;
    try {
      if ((span.spanContext().traceFlags & SAMPLED) === 0) return undefined;
      if (!this.#isSampled(span)) {
        this.#target.sampler.sampledOut++;
        return undefined;
      }
      const text = this.#requestOf(span);
      // Instrumented file operations would create spans.
      withoutTelemetry(() => this.#target.append(this.#type, text));
      return undefined;
    } catch (error) {
      return this.#fail(error);
    } finally {
      this.#isRecording = false;
    }
  }

  /**
   * Waits until the server has accepted the recorded spans, for at most `timeoutMs` and 20 s. Never
   * rejects.
   */
  async flush(): Promise<void> {
    const timeout = Math.min(this.#target.settings.timeoutMs, MAX_FLUSH_MS);
    if (!this.#isShutDown) await this.#client.flush({ timeout });
  }

  /**
   * Stops recording, and delivers for at most `exitDrainMs`, or `timeoutMs` without a log on disk.
   * Closes the client if it was opened for these spans. Never rejects.
   */
  async shutdown(): Promise<void> {
    if (this.#isShutDown) return;
    this.#isShutDown = true;
    const { wal, exitDrainMs, timeoutMs } = this.#target.settings;
    const timeout = Math.min(wal ? exitDrainMs : timeoutMs, MAX_FLUSH_MS);
    const limits = { timeout };
    await (this.#isOwn ? this.#client.finish(limits) : this.#client.flush(limits));
  }

  #requestOf(span: FinishedSpan): string {
    const request = serialize(this.#redactor.copy(span));
    const { traceId, spanId } = span.spanContext();
    const id = this.#recordStarts ? traceId + spanId : undefined;
    return otelRequest(this.#target.projectId, request, id);
  }

  #isSampled(span: StartedSpan): boolean {
    const { sampler } = this.#target;
    const { traceId } = span.spanContext();
    if (!sampler.asksFunction) return sampler.records(traceId, span.name, undefined);
    const known = this.#sampled.get(traceId);
    if (known !== undefined) return known;
    const attributes = span.attributes as Readonly<Record<string, unknown>>;
    const isSampled = sampler.records(traceId, span.name, attributes);
    this.#sampled.set(traceId, isSampled);
    if (this.#sampled.size > MAX_TRACES) {
      this.#sampled.delete(this.#sampled.keys().next().value!);
    }
    return isSampled;
  }

  #fail(error: unknown): Error {
    const message = `Cannot record a span: ${describeError(error)}`;
    this.#target.logger.once("warn", "span-not-recorded", message);
    return error instanceof Error ? error : new Error(message);
  }
}

/** @throws {Error} If OpenTelemetry cannot serialize the span. */
function serialize(span: FinishedSpan): Uint8Array {
  const bytes = serialized(span);
  if (bytes.length <= MAX_SPAN_BYTES) return bytes;
  const omitted = `${bytes.length} bytes, over the size limit`;
  return serialized({
    ...span,
    attributes: { "weave_wal.omitted": omitted },
    events: [],
    links: [],
  });
}

function serialized(span: FinishedSpan): Uint8Array {
  const bytes = ProtobufTraceSerializer.serializeRequest([span as never]);
  if (bytes === undefined) throw new TypeError("OpenTelemetry serialized it to nothing");
  return bytes;
}
