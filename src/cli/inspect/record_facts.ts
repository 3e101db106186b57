/**
 * Extracts data from a record: its time, call and op. The request's bytes are scanned, not parsed,
 * because inputs and outputs may be large.
 *
 * @module
 */

import { readException } from "../../protocol/exception_text.ts";
import { fromBase64 } from "../../protocol/json/base64.ts";
import { readSpans, type Span } from "../../protocol/otlp/spans.ts";
import type { BatchRecord } from "../../wal/record/record_batch.ts";
import { listFields, topLevelField } from "../../bytes/json_fields.ts";

/** Data of one record; `undefined` where it is missing. */
export interface RecordFacts {
  /** Time at which the call started or ended, epoch ms. */
  time?: number;
  callId?: string;
  traceId?: string;
  parentId?: string;
  /** Name of the op, without its ref. */
  op?: string;
  displayName?: string;
  /** Error of the call. */
  exception?: string;
}

/** Data of one OpenTelemetry span. `time` is its end. */
export interface SpanFacts extends RecordFacts {
  /** Epoch ms. */
  readonly started: number;
}

const WRAPPERS: Readonly<Record<string, string>> = {
  call_start: "start",
  call_end: "end",
  obj_create: "obj",
  table_create: "table",
};

const WANTED: readonly string[] = [
  "id",
  "trace_id",
  "parent_id",
  "op_name",
  "display_name",
  "started_at",
  "ended_at",
  "exception",
  "call_id",
  "object_id",
  "name",
  "feedback_type",
  "call_ref",
  "weave_ref",
];

/** The wanted names by length, so that most keys are skipped without comparing them. */
const BY_LENGTH = new Map<number, { name: string; bytes: Uint8Array }[]>();
for (const name of WANTED) {
  const bytes = new TextEncoder().encode(name);
  BY_LENGTH.set(name.length, [...BY_LENGTH.get(name.length) ?? [], { name, bytes }]);
}

const QUOTE = 34;
const decoder = new TextDecoder();
const ranges: number[] = [];

/** A request, and its position in a buffer. */
export type RequestRange = Pick<BatchRecord, "type" | "start" | "end">;

/** Returns the data of `record`. */
export function factsOf(bytes: Uint8Array, record: RequestRange): RecordFacts {
  const values = wantedFields(bytes, record);
  switch (record.type) {
    case "call_start":
      return callFacts(values, values.get("started_at"));
    case "call_end":
      return callFacts(values, values.get("ended_at"));
    case "call_update":
      return clean({ callId: values.get("call_id"), displayName: values.get("display_name") });
    case "obj_create":
      return clean({ op: values.get("object_id") });
    case "file_create":
      return clean({ op: values.get("name") });
    case "feedback_create":
    case "feedback_replace":
      return clean({
        op: values.get("feedback_type"),
        callId: callOfRef(values.get("call_ref") ?? values.get("weave_ref")),
      });
    case "otel_traces":
    case "otel_agents": {
      const [first, ...others] = spanFactsOf(bytes, record);
      if (first === undefined) return {};
      const { started: _, ...facts } = first;
      return others.length === 0
        ? facts
        : { ...facts, op: `${facts.op} and ${others.length} more` };
    }
    default:
      return {};
  }
}

/**
 * Returns the data of each span of an `otel_traces` or `otel_agents` record; empty if it is
 * corrupt.
 */
export function spanFactsOf(bytes: Uint8Array, { start, end }: RequestRange): SpanFacts[] {
  const field = topLevelField(bytes, start, end, "request_base64");
  if (!field) return [];
  try {
    const text = decoder.decode(bytes.subarray(field.start + 1, field.end - 1));
    return readSpans(fromBase64(text)).map(spanFacts);
  } catch {
    return [];
  }
}

function spanFacts(span: Span): SpanFacts {
  const { traceId, spanId, parentSpanId, name, startTime, endTime, status } = span;
  const { code, message } = status;
  return {
    ...clean({
      time: endTime === 0n ? undefined : milliseconds(endTime),
      callId: spanId,
      traceId,
      parentId: parentSpanId || undefined,
      op: name,
      exception: code === "error" ? message || "error" : undefined,
    }),
    started: milliseconds(startTime),
  };
}

function milliseconds(epochNanoseconds: bigint): number {
  return Number(epochNanoseconds / 1_000_000n);
}

/** Maximum bytes of inputs or an output that are kept completely. */
const MAX_VALUE_BYTES = 16 * 1024;
/** Bytes to keep of longer values. */
const PREVIEW_BYTES = 1_000;

/** Inputs or an output. */
export interface CallValue {
  /** Its JSON text, or the beginning of it. */
  readonly text: string;
  /** Bytes of the complete value. */
  readonly bytes: number;
  readonly whole: boolean;
}

/**
 * Returns the inputs of a `call_start` or the output of a `call_end`; `undefined` if there are
 * none.
 */
export function valueOf(bytes: Uint8Array, record: BatchRecord): CallValue | undefined {
  const [wrapper, name] = record.type === "call_start" ? ["start", "inputs"] : ["end", "output"];
  const inner = topLevelField(bytes, record.start, record.end, wrapper);
  const field = inner && topLevelField(bytes, inner.start, inner.end, name);
  if (!field) return undefined;
  const length = field.end - field.start;
  const whole = length <= MAX_VALUE_BYTES;
  const end = whole ? field.end : field.start + PREVIEW_BYTES;
  return { text: decoder.decode(bytes.subarray(field.start, end)), bytes: length, whole };
}

function callFacts(values: Map<string, string>, time: string | undefined): RecordFacts {
  const op = values.get("op_name");
  const exception = values.get("exception");
  const at = time === undefined ? NaN : Date.parse(time);
  return clean({
    time: Number.isNaN(at) ? undefined : at,
    callId: values.get("id"),
    traceId: values.get("trace_id"),
    parentId: values.get("parent_id"),
    op: op === undefined ? undefined : opName(op),
    displayName: values.get("display_name"),
    exception: exception === undefined ? undefined : readException(exception),
  });
}

/** Returns the name in a ref: `answer` for `weave:///acme/chat/op/answer:v1`. */
export function opName(op: string): string {
  const match = /^weave:\/\/\/[^/]+\/[^/]+\/op\/([^:]+)/.exec(op);
  return match ? decodeName(match[1]) : op;
}

function callOfRef(ref: string | undefined): string | undefined {
  return ref === undefined ? undefined : /\/call\/([^/:]+)/.exec(ref)?.[1];
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function wantedFields(bytes: Uint8Array, record: RequestRange): Map<string, string> {
  let { start, end } = record;
  const wrapper = WRAPPERS[record.type];
  if (wrapper !== undefined) {
    const inner = topLevelField(bytes, start, end, wrapper);
    if (!inner) return new Map();
    ({ start, end } = inner);
  }
  const values = new Map<string, string>();
  listFields(bytes, start, end, ranges);
  for (let i = 0; i + 3 < ranges.length; i += 4) {
    if (bytes[ranges[i + 2]] !== QUOTE) continue;
    const name = wantedName(bytes, ranges[i] + 1, ranges[i + 1] - 1);
    if (name === undefined) continue;
    const text = stringAt(bytes, ranges[i + 2], ranges[i + 3]);
    if (text !== undefined) values.set(name, text);
  }
  return values;
}

function wantedName(bytes: Uint8Array, start: number, end: number): string | undefined {
  const candidates = BY_LENGTH.get(end - start);
  return candidates?.find((wanted) => wanted.bytes.every((byte, i) => byte === bytes[start + i]))
    ?.name;
}

function stringAt(bytes: Uint8Array, start: number, end: number): string | undefined {
  const text = decoder.decode(bytes.subarray(start + 1, end - 1));
  if (!text.includes("\\")) return text;
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return undefined;
  }
}

function clean(facts: RecordFacts): RecordFacts {
  for (const key of Object.keys(facts) as (keyof RecordFacts)[]) {
    if (facts[key] === undefined) delete facts[key];
  }
  return facts;
}
