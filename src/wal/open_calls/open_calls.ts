/**
 * The calls of one writer that have begun but not ended, according to its records.
 *
 * Records are applied in the order in which they were written. Calls that are still open at the end
 * of a dead writer's stream were interrupted, and get an end with an error.
 *
 * @module
 */

import { listFields, topLevelField } from "../../bytes/json_fields.ts";
import { fromBase64 } from "../../protocol/json/base64.ts";
import { endSpans } from "../../protocol/otlp/end_span.ts";
import { isOtelType, type OtelRecordType, otelRequest } from "../../protocol/otlp/otel_request.ts";
import { readSpans } from "../../protocol/otlp/spans.ts";
import type { BatchRecord } from "../record/record_batch.ts";
import { RECORD_PREFIX, RECORD_SUFFIX } from "../record/record.ts";

/** The error of an interrupted call. */
export const INTERRUPTED = "Interrupted: the process ended before it recorded the end of this call";

/** The error of an interrupted span. */
export const INTERRUPTED_SPAN =
  "Interrupted: the process ended before it recorded the end of this span";

interface OpenSpan {
  readonly id: string;
  readonly type: OtelRecordType;
  readonly project: string;
  /** The span in its initial state, serialized. */
  readonly base64: string;
}

interface OpenCall {
  readonly id: string;
  readonly project: string;
  readonly trace: string;
  readonly parent: string | null;
  readonly startedAt: string;
  /** Descendants that have ended, by status. */
  success: number;
  error: number;
}

const decoder = new TextDecoder();
const ranges: number[] = [];

/** Calls and spans that have begun but not ended, in order of their starts. */
export class OpenCalls {
  readonly #calls = new Map<string, OpenCall>();
  readonly #spans = new Map<string, OpenSpan>();
  #lastRecord = 0;
  /** Also closes interrupted calls, not only spans. */
  withCalls = true;

  /** Number of calls and spans. */
  get size(): number {
    return this.#calls.size + this.#spans.size;
  }

  /**
   * Returns times at which records were written, epoch ms: that of the last record with a time, and
   * the starts of open spans.
   */
  times(): number[] {
    const times = [this.#lastRecord];
    for (const { base64 } of this.#spans.values()) {
      try {
        times.push(Number(startOf(fromBase64(base64)) / 1_000n) / 1_000);
      } catch {
        // Such a span gets no end either.
      }
    }
    return times;
  }

  /** Applies the writer's next record. */
  fold({ type, bytes, start, end }: BatchRecord): void {
    if (type === "calls_delete") return this.#delete(bytes, start, end);
    if (isOtelType(type)) {
      const { span, request_base64: base64 } = textFields(bytes, start, end);
      if (span !== undefined) this.#spans.delete(span);
      this.#lastRecord = lastEnd(base64) ?? this.#lastRecord;
      return;
    }
    if (type !== "call_start" && type !== "call_end") return;
    const inner = topLevelField(bytes, start, end, type === "call_start" ? "start" : "end");
    if (!inner) return;
    const fields = textFields(bytes, inner.start, inner.end);
    if (fields.id === undefined) return;
    if (type === "call_start") this.#begin(fields);
    else this.#end(fields, () => countsOf(bytes, inner.start, inner.end));
  }

  /** Applies the start of a span. */
  foldStart({ type, bytes, start, end }: BatchRecord): void {
    if (!isOtelType(type)) return;
    const { span: id, project_id: project, request_base64: base64 } = textFields(bytes, start, end);
    if (id === undefined || project === undefined || base64 === undefined) return;
    this.#spans.set(id, { id, type, project, base64 });
  }

  #begin({ id, project_id, trace_id, parent_id, started_at }: TextFields): void {
    this.#noteTime(started_at);
    // The server accepts no end for such a call.
    if (project_id === undefined || trace_id === undefined || started_at === undefined) return;
    if (!this.withCalls) return;
    this.#calls.set(id!, {
      id: id!,
      project: project_id,
      trace: trace_id,
      parent: parent_id ?? null,
      startedAt: started_at,
      success: 0,
      error: 0,
    });
  }

  #end({ id, ended_at, exception }: TextFields, counts: () => Counts | null): void {
    this.#noteTime(ended_at);
    const call = this.#calls.get(id!);
    if (call === undefined) return;
    this.#calls.delete(id!);
    const parent = this.#calls.get(call.parent ?? "");
    if (parent === undefined) return;
    const isError = exception !== undefined;
    const own = counts() ?? { success: isError ? 0 : 1, error: isError ? 1 : 0 };
    parent.success += own.success;
    parent.error += own.error;
  }

  #delete(bytes: Uint8Array, start: number, end: number): void {
    try {
      const request = JSON.parse(decoder.decode(bytes.subarray(start, end))) as {
        call_ids: readonly string[];
      };
      for (const id of request.call_ids) this.#calls.delete(id);
    } catch {
      // The server cannot read it either.
    }
  }

  #noteTime(text: string | undefined): void {
    const time = Date.parse(text ?? "");
    if (!Number.isNaN(time)) this.#lastRecord = time;
  }

  /** Returns lines that {@linkcode OpenCalls.read} can read. */
  toLines(): string {
    const head = { lastRecord: this.#lastRecord, calls: this.withCalls };
    return [head, ...this.#calls.values(), ...this.#spans.values()]
      .map((line) => `${JSON.stringify(line)}\n`).join("");
  }

  /** @throws {SyntaxError} If a line is incomplete. */
  static read(lines: string): OpenCalls {
    const [head, ...rest] = lines.split("\n");
    if (rest.pop() !== "") throw new SyntaxError("Cannot read open calls: a line is torn");
    const open = new OpenCalls();
    const { lastRecord, calls } = JSON.parse(head) as { lastRecord: number; calls: boolean };
    open.#lastRecord = lastRecord;
    open.withCalls = calls;
    for (const line of rest) {
      const one = JSON.parse(line) as OpenCall | OpenSpan;
      if ("base64" in one) open.#spans.set(one.id, one);
      else open.#calls.set(one.id, one);
    }
    return open;
  }

  /**
   * Returns the records that end all calls and spans, children first, so that parents count them.
   * The result depends only on the calls and the time.
   *
   * @param at Time of the writer's last sign of life, epoch ms.
   */
  ends(at: number): string {
    let lines = "";
    for (const call of [...this.#calls.values()].reverse()) {
      const error = call.error + 1;
      const parent = this.#calls.get(call.parent ?? "");
      if (parent !== undefined) {
        parent.success += call.success;
        parent.error += error;
      }
      const end = {
        project_id: call.project,
        id: call.id,
        trace_id: call.trace,
        started_at: call.startedAt,
        ended_at: Date.parse(call.startedAt) >= at ? call.startedAt : timestamp(at),
        exception: INTERRUPTED,
        output: null,
        summary: { status_counts: { success: call.success, error } },
      };
      lines += RECORD_PREFIX.call_end + JSON.stringify({ end }) + RECORD_SUFFIX;
    }
    for (const span of [...this.#spans.values()].reverse()) lines += endOfSpan(span, at);
    return lines;
  }
}

/** Returns the record that ends a span; empty if its start cannot be read. */
function endOfSpan({ id, type, project, base64 }: OpenSpan, at: number): string {
  try {
    const begun = fromBase64(base64);
    const end = max(startOf(begun), BigInt(Math.round(at * 1_000)) * 1_000n);
    const request = otelRequest(project, endSpans(begun, end, INTERRUPTED_SPAN), id);
    return RECORD_PREFIX[type] + request + RECORD_SUFFIX;
  } catch {
    return "";
  }
}

/** Returns the start time of a serialized span, epoch nanoseconds. */
function startOf(request: Uint8Array): bigint {
  return readSpans(request).reduce((last, { startTime }) => max(last, startTime), 0n);
}

/** When the last of serialized spans ended, epoch ms; `undefined` if that cannot be read. */
function lastEnd(base64: string | undefined): number | undefined {
  if (base64 === undefined) return undefined;
  try {
    const last = readSpans(fromBase64(base64)).reduce(
      (last, { endTime }) => max(last, endTime),
      0n,
    );
    return last === 0n ? undefined : Number(last / 1_000n) / 1_000;
  } catch {
    return undefined;
  }
}

function max(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

interface Counts {
  readonly success: number;
  readonly error: number;
}

const NAMES = [
  "id",
  "project_id",
  "trace_id",
  "parent_id",
  "started_at",
  "ended_at",
  "exception",
  "span",
  "request_base64",
] as const;
const ENCODED = NAMES.map((name) => new TextEncoder().encode(name));

/** The string fields of a call. */
type TextFields = { [Name in typeof NAMES[number]]?: string };

function textFields(bytes: Uint8Array, start: number, end: number): TextFields {
  const found: TextFields = {};
  listFields(bytes, start, end, ranges);
  for (let at = 0; at < ranges.length; at += 4) {
    if (bytes[ranges[at + 2]] !== 0x22) continue;
    const index = nameAt(bytes, ranges[at] + 1, ranges[at + 1] - 1);
    if (index === -1) continue;
    try {
      const text = decoder.decode(bytes.subarray(ranges[at + 2], ranges[at + 3]));
      found[NAMES[index]] = JSON.parse(text) as string;
    } catch {
      // Treat the field as missing.
    }
  }
  return found;
}

function nameAt(bytes: Uint8Array, start: number, end: number): number {
  return ENCODED.findIndex((name) =>
    name.length === end - start && name.every((byte, index) => bytes[start + index] === byte)
  );
}

/** Returns the status counts in the summary of an end; `null` if it has none. */
function countsOf(bytes: Uint8Array, start: number, end: number): Counts | null {
  const summary = topLevelField(bytes, start, end, "summary");
  const counts = summary && topLevelField(bytes, summary.start, summary.end, "status_counts");
  if (!counts) return null;
  try {
    const text = decoder.decode(bytes.subarray(counts.start, counts.end));
    const { success, error } = JSON.parse(text) as Counts;
    return Number.isInteger(success) && Number.isInteger(error) ? { success, error } : null;
  } catch {
    return null;
  }
}

/** Formats a time as calls contain it: UTC, with six fractional digits. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
