/**
 * The record format: one line, `{"type":"<T>","req":<request>}\n`.
 *
 * `type` comes first, then `req`, with no spaces outside values, so that the request can be sliced
 * out of the line and sent byte for byte without parsing it. Lines in another layout (spaces, more
 * fields) are also read, by scanning their top-level fields.
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

/**
 * Maximum bytes of a record: slightly more than the server's limit of a request. A longer line is
 * never read into memory as a whole, and becomes a dead letter.
 */
export const MAX_RECORD_BYTES: number = 33 * 1024 * 1024;

/** The bytes after the request. */
export const RECORD_SUFFIX = "}\n";

/** Position of a record's request in a buffer. */
export interface RecordSpan {
  /** Index of its type in `RECORD_TYPES`. */
  code: number;
  /** First byte of the request. */
  start: number;
  /** One past its last byte. */
  end: number;
  /** Whether the line has the layout that this package writes. */
  canonical: boolean;
}

const NEWLINE = 10, RETURN = 13, BRACE = 123, END_BRACE = 125;
const LONGEST_TYPE = Math.max(...RECORD_TYPES.map((type) => type.length));
const PREFIXES = RECORD_TYPES.map((type) => new BytePattern(RECORD_PREFIX[type]));

/**
 * Finds the request in the line `bytes[start, end)`, without its newline.
 *
 * @param span Filled in and returned, so that a loop over many lines allocates nothing; its `code`
 * is the expected type.
 * @param view A view of `bytes`, created once for a loop over many lines.
 * @returns `span`, or `null` if the line is not a record. Whether the request is valid JSON is not
 * checked; see {@linkcode isValidRecord}.
 */
export function readRecord(
  bytes: Uint8Array,
  start: number,
  end: number,
  span: RecordSpan,
  view: DataView = viewOf(bytes),
): RecordSpan | null {
  // Most lines have the same type as the previous one.
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

/** Returns whether the line has the layout that this package writes for the type at `code`. */
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

/** Returns whether the line `bytes[start, end)` is one valid JSON text in valid UTF-8. */
export function isValidRecord(bytes: Uint8Array, start: number, end: number): boolean {
  try {
    JSON.parse(strictDecoder.decode(bytes.subarray(start, end)));
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns the position after the last byte of the line's content: `newline`, or the byte before it
 * if the line ends in CRLF.
 */
export function contentEnd(bytes: Uint8Array, start: number, newline: number): number {
  return newline > start && bytes[newline - 1] === RETURN ? newline - 1 : newline;
}

/** Returns the start of the line's content, after a byte order mark if there is one. */
export function contentStart(bytes: Uint8Array, start: number): number {
  return bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf
    ? start + 3
    : start;
}

/** Returns the position of the first newline in `bytes[from, to)`, or -1. */
export function findNewline(bytes: Uint8Array, from: number, to: number): number {
  return findByte(bytes, NEWLINE, from, to);
}

/** Starts a search for all newlines in `bytes[0, to)`. */
export function scanNewlines(bytes: Uint8Array, to: number): ByteScan {
  return scanBytes(bytes, NEWLINE, to);
}

const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true });
