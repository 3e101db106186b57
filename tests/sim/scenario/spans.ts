/**
 * Spans with noted starts: the exact bytes of their starts, of their ends, and of the
 * ends that recovery must write, built without the library's code.
 *
 * @module
 */

import type { Random } from "./random.ts";
import type { RecordText } from "./records.ts";

/** A span that a process has started. */
export interface SimSpan {
  /** Unique, e.g. `s7`. */
  readonly id: string;
  readonly project: number;
  readonly type: "otel_traces" | "otel_agents";
  /** Epoch ms, integer. */
  readonly startedAt: number;
  /** The serialized span without an end. */
  readonly begun: readonly number[];
  /** Whether its start is on disk, as far as the living process knows. */
  isNoted: boolean;
}

/** The end of a span. */
export interface SpanEnd {
  /** Epoch ms, may be fractional. */
  readonly at: number;
  /** The error; `null` if the span succeeded. */
  readonly error: string | null;
}

const encoder = new TextEncoder();

/** Starts a span now. */
export function beginSpan(
  { id, project, startedAt, size, random }: Pick<SimSpan, "id" | "project" | "startedAt"> & {
    readonly size: number;
    readonly random: Random;
  },
): SimSpan {
  const noise = Array.from({ length: size }, () => random.int(0, 255));
  const begun = [
    ...field(1, utf8(id.padStart(16, "0"))),
    ...field(2, utf8(id.padStart(8, "0"))),
    ...field(5, utf8(`${id};`)),
    ...fixed64(7, startedAt),
    // The trace state, which the library does not read.
    ...field(3, noise),
  ];
  const type = random.chance(0.3) ? "otel_agents" : "otel_traces";
  return { id, project, type, startedAt, begun, isNoted: false };
}

/** The request with a span as it is at its start. */
export function startOfSpan(span: SimSpan): string {
  return requestText(span, span.begun);
}

/** The record of an ended span. */
export function endOfSpan(span: SimSpan, { at, error }: SpanEnd): RecordText {
  const status = error === null ? [24, 1] : [...field(2, utf8(error)), 24, 2];
  const ended = [...span.begun, ...fixed64(8, Math.max(at, span.startedAt)), ...field(15, status)];
  const path = span.type === "otel_agents" ? "/agents/otel/v1/traces" : "/otel/v1/traces";
  return {
    type: span.type,
    request: requestText(span, ended),
    bodies: [],
    spans: { bytes: Uint8Array.from(serialized(ended)), path },
  };
}

function requestText({ project, id }: SimSpan, span: readonly number[]): string {
  const base64 = btoa(String.fromCharCode(...serialized(span)));
  return `{"project_id":"e/p${project}","span":"${id}","request_base64":"${base64}"}`;
}

/** A request with one resource, one scope and one span. */
function serialized(span: readonly number[]): number[] {
  return field(1, field(2, field(2, span)));
}

function field(number: number, contents: readonly number[]): number[] {
  return [number << 3 | 2, ...varint(contents.length), ...contents];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, ...varint(value >> 7)];
}

/** Converts epoch ms to epoch nanoseconds. */
function fixed64(number: number, ms: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(Math.round(ms * 1_000)) * 1_000n, true);
  return [number << 3 | 1, ...new Uint8Array(view.buffer)];
}

function utf8(text: string): number[] {
  return [...encoder.encode(text)];
}
