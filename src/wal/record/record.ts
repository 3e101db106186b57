/**
 * One record, one line: `{"type":"<T>","req":<request>}\n`.
 *
 * `type` first, then `req`, no spaces outside values: the request can be cut out of the line and
 * sent on byte for byte without parsing it. Lines laid out in another way (spaces, further fields)
 * are read too, by scanning their top-level fields.
 *
 * @module
 */

import { BytePattern, viewOf } from "../../bytes/byte_pattern.ts";
import { findByte } from "../../bytes/find_byte.ts";
import { type ByteScan, scanBytes } from "../../bytes/scan_bytes.ts";
import { RECORD_TYPES, type RecordType } from "../../protocol/record_types.ts";
import { topLevelField } from "../../bytes/json_fields.ts";

/** The bytes before the request in a record of each type. */
export const RECORD_PREFIX: Readonly<Record<RecordType, string>> = Object.fromEntries(
  RECORD_TYPES.map((type) => [type, `{"type":"${type}","req":`]),
) as Record<RecordType, string>;

/** The bytes after the request. */
export const RECORD_SUFFIX = "}\n";

/** The place of a record's request in a buffer. */
export interface RecordSpan {
  /** Position of its type in `RECORD_TYPES`. */
  code: number;
  /** First byte of the request. */
  start: number;
  /** One past its last byte. */
  end: number;
  /** Whether the line is laid out as this package writes it. */
  canonical: boolean;
}

const NEWLINE = 10, RETURN = 13, BRACE = 123, END_BRACE = 125;
const LONGEST_TYPE = Math.max(...RECORD_TYPES.map((type) => type.length));
const PREFIXES = RECORD_TYPES.map((type) => new BytePattern(RECORD_PREFIX[type]));

/**
 * Finds the request in the line `bytes[start, end)`, its newline left out.
 *
 * @param span Filled in and returned, so that a loop over many lines allocates nothing; its `code` is
 *   what the line is likely to be.
 * @param view A view of `bytes`, which a loop over many lines makes once.
 * @returns `span`, or `null` when the line is not a record. That the request itself is valid JSON is
 *   not checked here: {@linkcode isValidRecord} does, where it matters.
 */
export function readRecord(
  bytes: Uint8Array,
  start: number,
  end: number,
  span: RecordSpan,
  view: DataView = viewOf(bytes),
): RecordSpan | null {
  // Most lines are of the same type as the one before.
  if (!isCanonical(bytes, view, start, end, span.code)) {
    const code = canonicalCode(bytes, view, start, end);
    if (code === -1) return parseNonCanonical(bytes, start, end, span);
    span.code = code;
  }
  span.canonical = true;
  span.start = start + PREFIXES[span.code].length;
  span.end = end - 1;
  return span;
}

function canonicalCode(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  for (let code = 0; code < PREFIXES.length; code++) {
    if (isCanonical(bytes, view, start, end, code)) return code;
  }
  return -1;
}

/** Whether the line is laid out as this package writes records of the type at `code`. */
function isCanonical(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  code: number,
): boolean {
  const prefix = PREFIXES[code];
  const request = start + prefix.length;
  return request + 2 < end && bytes[end - 1] === END_BRACE && bytes[end - 2] === END_BRACE &&
    bytes[request] === BRACE && prefix.isIn(view, start);
}

function parseNonCanonical(
  bytes: Uint8Array,
  start: number,
  end: number,
  span: RecordSpan,
): RecordSpan | null {
  const type = topLevelField(bytes, start, end, "type");
  const request = topLevelField(bytes, start, end, "req");
  if (!type || !request || type.end - type.start > LONGEST_TYPE + 2) return null;
  const text = decoder.decode(bytes.subarray(type.start + 1, type.end - 1));
  const code = (RECORD_TYPES as readonly string[]).indexOf(text);
  if (code === -1 || bytes[request.start] !== BRACE) return null;
  span.code = code;
  span.canonical = false;
  span.start = request.start;
  span.end = request.end;
  return span;
}

/** Whether the line `bytes[start, end)` is one sound JSON text in sound UTF-8. */
export function isValidRecord(bytes: Uint8Array, start: number, end: number): boolean {
  try {
    JSON.parse(strictDecoder.decode(bytes.subarray(start, end)));
    return true;
  } catch {
    return false;
  }
}

/**
 * One past the last byte of the line's content: `newline` itself, or the byte before it where the
 * line ends in CRLF.
 */
export function contentEnd(bytes: Uint8Array, start: number, newline: number): number {
  return newline > start && bytes[newline - 1] === RETURN ? newline - 1 : newline;
}

/** The start of the line's content: behind a byte order mark, if there is one. */
export function contentStart(bytes: Uint8Array, start: number): number {
  return bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf
    ? start + 3
    : start;
}

/** Position of the first newline in `bytes[from, to)`, or -1. */
export function findNewline(bytes: Uint8Array, from: number, to: number): number {
  return findByte(bytes, NEWLINE, from, to);
}

/** Begins a search for all newlines in `bytes[0, to)`. */
export function scanNewlines(bytes: Uint8Array, to: number): ByteScan {
  return scanBytes(bytes, NEWLINE, to);
}

const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true });
