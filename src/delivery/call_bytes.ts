/**
 * Where the parts of a call's start and end stand in their bytes.
 *
 * Records of this package begin with known fields in a known order, so that the parts are found
 * with a few comparisons; records of others are scanned field by field.
 *
 * @module
 */

import type { WindowRecord } from "../wal/window_reader.ts";
import { topLevelField } from "../weave/json_fields.ts";
import { withoutFields } from "./json_cut.ts";

/** The parts of a start or an end. */
export interface CallParts {
  readonly projectId: string;
  readonly id: string;
  /** The object inside `{"start":…}` or `{"end":…}`, with its braces. */
  readonly objectStart: number;
  readonly objectEnd: number;
  /** Where the fields behind `id` begin (at a comma), or -1 when the order is not ours. */
  readonly behindId: number;
  /** Where the fields behind `started_at` begin (at a comma), or -1 when the order is not ours. */
  readonly behindStartedAt: number;
}

const QUOTE = 34, BACKSLASH = 92, CLOSE = 125;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const START = encoder.encode('{"start":{"project_id":"');
const END = encoder.encode('{"end":{"project_id":"');
const ID = encoder.encode(',"id":"');
const TRACE_ID = encoder.encode(',"trace_id":"');
const STARTED_AT = encoder.encode(',"started_at":"');

/** Fields of an end that an end on the older path must not have. */
export const V2_END_FIELDS = ["trace_id", "started_at"] as const;

/** Reads the parts of a `call_start` or `call_end`; `null` when it is neither. */
export function readCall(bytes: Uint8Array, record: WindowRecord): CallParts | null {
  const opening = record.type === "call_start" ? START : END;
  const project = stringBehind(bytes, record.start, opening);
  const id = project === -1 ? -1 : stringBehind(bytes, project, ID);
  if (id === -1 || bytes[record.end - 2] !== CLOSE) return readForeignCall(bytes, record);
  const trace = stringBehind(bytes, id, TRACE_ID);
  return {
    projectId: textOf(bytes, record.start + opening.length, project - 1),
    id: textOf(bytes, project + ID.length, id - 1),
    objectStart: record.start + opening.length - '{"project_id":"'.length,
    objectEnd: record.end - 1,
    behindId: id,
    behindStartedAt: trace === -1 ? -1 : stringBehind(bytes, trace, STARTED_AT),
  };
}

function readForeignCall(bytes: Uint8Array, record: WindowRecord): CallParts | null {
  const kind = record.type === "call_start" ? "start" : "end";
  const object = topLevelField(bytes, record.start, record.end, kind);
  if (!object) return null;
  const projectId = textField(bytes, object.start, object.end, "project_id");
  const id = textField(bytes, object.start, object.end, "id");
  if (projectId === undefined || id === undefined) return null;
  return {
    projectId,
    id,
    objectStart: object.start,
    objectEnd: object.end,
    behindId: -1,
    behindStartedAt: -1,
  };
}

/** The text of a top-level string field, or `undefined`. */
export function textField(
  bytes: Uint8Array,
  start: number,
  end: number,
  name: string,
): string | undefined {
  const value = topLevelField(bytes, start, end, name);
  if (!value || bytes[value.start] !== QUOTE) return undefined;
  try {
    return JSON.parse(decoder.decode(bytes.subarray(value.start, value.end))) as string;
  } catch {
    return undefined;
  }
}

/**
 * The stretches of an end's object that follow what it shares with its start: from a comma, or
 * nothing, to its closing brace.
 */
export function endRest(bytes: Uint8Array, parts: CallParts): Uint8Array {
  const from = parts.behindStartedAt !== -1 ? parts.behindStartedAt : parts.behindId;
  if (from !== -1) return bytes.subarray(from, parts.objectEnd);
  const rest = withoutFields(bytes, parts.objectStart, parts.objectEnd, [
    "project_id",
    "id",
    ...V2_END_FIELDS,
  ]);
  const inner = rest.subarray(1);
  if (decoder.decode(inner).trim() === "}") return inner;
  const joined = new Uint8Array(inner.length + 1);
  joined[0] = 44;
  joined.set(inner, 1);
  return joined;
}

/** Position behind the string that follows `expected` at `at`, or -1. */
function stringBehind(bytes: Uint8Array, at: number, expected: Uint8Array): number {
  for (let i = 0; i < expected.length; i++) {
    if (bytes[at + i] !== expected[i]) return -1;
  }
  const start = at + expected.length;
  const close = bytes.indexOf(QUOTE, start);
  if (close === -1) return -1;
  for (let i = start; i < close; i++) {
    if (bytes[i] === BACKSLASH) return -1;
  }
  return close + 1;
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end));
}
