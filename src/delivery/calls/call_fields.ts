/**
 * Locates the fields of a call's start or end in the bytes of its record.
 * Records of this package begin with known fields in a known order, so a few comparisons locate
 * them; other records are scanned field by field.
 * @module
 */

import { BytePattern } from "../../bytes/byte_pattern.ts";
import type { BatchRecord } from "../../wal/record/record_batch.ts";
import { topLevelField } from "../../bytes/json_fields.ts";
import { withoutFields } from "./json_splice.ts";

/** Positions of the leading fields of a start or an end in this package's layout. */
export interface CallHead {
  /** Opening brace of the object inside `{"start":…}` or `{"end":…}`. */
  objectStart: number;
  /** Positions of the text inside the quotes. */
  projectStart: number;
  projectEnd: number;
  idStart: number;
  idEnd: number;
  /** Hash of the id's bytes. */
  idHash: number;
  /** Start of the fields after `id` (at a comma). */
  behindId: number;
  /** Start of the fields after `started_at` (at a comma), or -1 if `started_at` does not follow. */
  behindStartedAt: number;
}

/** Fields of a single start or end. */
export interface CallFields {
  readonly projectId: string;
  readonly id: string;
  /** The object inside `{"start":…}` or `{"end":…}`, with its braces. */
  readonly objectStart: number;
  readonly objectEnd: number;
  /** Start of the fields after `id` (at a comma), or -1 in another layout. */
  readonly behindId: number;
  /** Start of the fields after `started_at` (at a comma), or -1 in another layout. */
  readonly behindStartedAt: number;
}

const QUOTE = 34, BACKSLASH = 92, COMMA = 44, CLOSE = 125;
const decoder = new TextDecoder();
const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const START = new BytePattern('{"start":{"project_id":"');
const END = new BytePattern('{"end":{"project_id":"');
const OBJECT_BEFORE_PROJECT = '{"project_id":"'.length;
const ID = new BytePattern(',"id":"');
const TRACE_ID = new BytePattern(',"trace_id":"');
const STARTED_AT = new BytePattern(',"started_at":"');

/** Fields required in an end on the v2 path. */
export const V2_END_FIELDS = ["trace_id", "started_at"] as const;
/** Fields in ends of this package or the Python SDK that the v1 batch API does not allow. */
export const NO_V1_END_FIELDS: readonly string[] = [...V2_END_FIELDS, "is_eval"];

/** Creates an empty head for {@linkcode readHead} to fill. */
export function emptyHead(): CallHead {
  return {
    objectStart: 0,
    projectStart: 0,
    projectEnd: 0,
    idStart: 0,
    idEnd: 0,
    idHash: 0,
    behindId: 0,
    behindStartedAt: -1,
  };
}

/**
 * Locates the leading fields of the request `bytes[start, end)`.
 * @param head Result; reused, so that a loop over many calls allocates nothing.
 * @returns Whether the fields are in this package's layout.
 */
export function readHead(
  bytes: Uint8Array,
  start: number,
  end: number,
  isEnd: boolean,
  head: CallHead,
): boolean {
  const opening = isEnd ? END : START;
  if (!opening.standsAt(bytes, start) || bytes[end - 2] !== CLOSE) return false;
  head.projectStart = start + opening.length;
  head.objectStart = head.projectStart - OBJECT_BEFORE_PROJECT;
  head.projectEnd = closingQuote(bytes, head.projectStart, end);
  if (head.projectEnd === -1 || !ID.standsAt(bytes, head.projectEnd + 1)) return false;
  head.idStart = head.projectEnd + 1 + ID.length;
  let hash = 0;
  let at = head.idStart;
  for (; at < end && bytes[at] !== QUOTE; at++) {
    if (bytes[at] === BACKSLASH) return false;
    hash = withByte(hash, bytes[at]);
  }
  head.idEnd = at;
  head.idHash = hash;
  head.behindId = at + 1;
  head.behindStartedAt = isEnd ? behindStartedAt(bytes, head.behindId, end) : -1;
  return bytes[head.behindId] === COMMA;
}

/** The hash that {@linkcode readHead} makes of an ID. */
export function hashOf(id: string): number {
  return encoder.encode(id).reduce(withByte, 0);
}

function withByte(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

function behindStartedAt(bytes: Uint8Array, at: number, end: number): number {
  if (!TRACE_ID.standsAt(bytes, at)) return -1;
  const trace = closingQuote(bytes, at + TRACE_ID.length, end);
  if (trace === -1 || !STARTED_AT.standsAt(bytes, trace + 1)) return -1;
  const close = closingQuote(bytes, trace + 1 + STARTED_AT.length, end);
  return close === -1 || bytes[close + 1] !== COMMA ? -1 : close + 1;
}

/** Reads the fields of a `call_start` or `call_end`; `null` for other records. */
export function readCall(record: BatchRecord): CallFields | null {
  const { bytes } = record;
  const head = emptyHead();
  if (!readHead(bytes, record.start, record.end, record.type === "call_end", head)) {
    return readForeignCall(bytes, record);
  }
  const projectId = projectIdOf(bytes, head.projectStart, head.projectEnd);
  if (projectId === undefined) return null;
  return {
    projectId,
    id: textOf(bytes, head.idStart, head.idEnd),
    objectStart: head.objectStart,
    objectEnd: record.end - 1,
    behindId: head.behindId,
    behindStartedAt: head.behindStartedAt,
  };
}

function readForeignCall(bytes: Uint8Array, record: BatchRecord): CallFields | null {
  const kind = record.type === "call_start" ? "start" : "end";
  const object = topLevelField(bytes, record.start, record.end, kind);
  if (!object) return null;
  const projectId = textField(bytes, object.start, object.end, "project_id");
  const id = textField(bytes, object.start, object.end, "id");
  if (projectId === undefined || id === undefined || !isProjectId(projectId)) return null;
  return {
    projectId,
    id,
    objectStart: object.start,
    objectEnd: object.end,
    behindId: -1,
    behindStartedAt: -1,
  };
}

/**
 * Returns the valid project ID in these bytes, otherwise `undefined`. A path with an invalid name
 * would not match a route, and the response would look like that of a server without v2 paths.
 */
export function projectIdOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  try {
    const text = strictDecoder.decode(bytes.subarray(start, end));
    return isProjectId(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Returns whether a text is `entity/project` and both parts are usable in a URL path. */
function isProjectId(text: string): boolean {
  const parts = text.split("/");
  return parts.length === 2 && parts.every((part) => !/^\.{0,2}$/.test(part)) &&
    !/[\ud800-\udfff]/u.test(text);
}

/** Returns the text of a top-level string field, or `undefined`. */
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
 * Returns the part of an end's object after the fields that it shares with its start: from a comma,
 * or nothing, to the closing brace.
 */
export function endRest(bytes: Uint8Array, parts: CallFields): Uint8Array {
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

/**
 * Returns the position of the quote that ends the string whose text begins at `at`; -1 if the text
 * has escapes.
 */
function closingQuote(bytes: Uint8Array, at: number, end: number): number {
  for (; at < end; at++) {
    if (bytes[at] === QUOTE) return at;
    if (bytes[at] === BACKSLASH) return -1;
  }
  return -1;
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end));
}
