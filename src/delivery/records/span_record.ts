/**
 * Reads records of OpenTelemetry spans. Those of this package begin with the same fields, so a few
 * comparisons locate the spans; other records are scanned field by field.
 * @module
 */

import { BytePattern } from "../../bytes/byte_pattern.ts";
import { findByte } from "../../bytes/find_byte.ts";
import { decodeBase64, fromBase64 } from "../../protocol/json/base64.ts";
import type { BatchRecord } from "../../wal/record/record_batch.ts";
import { textField } from "../calls/call_fields.ts";
import { projectOf } from "./project_of.ts";

const QUOTE = 34;
const PROJECT = new BytePattern('{"project_id":"');
const SPAN = new BytePattern('","span":"');
/** Hex digits of a trace ID and a span ID. */
const SPAN_DIGITS = 48;
const REQUEST = new BytePattern('","request_base64":"');
const REST = '"}'.length;
const decoder = new TextDecoder();

/** Returns the project of spans; an empty text if the record has none. */
export function projectOfSpans(record: BatchRecord): string {
  const { bytes, start, end } = record;
  const quote = behindProject(bytes, start, end);
  if (quote !== -1) {
    const project = decoder.decode(bytes.subarray(start + PROJECT.length, quote));
    if (!project.includes("\\")) return project;
  }
  return projectOf(record) ?? "";
}

/** Upper limit of the bytes that {@linkcode decodeSpans} writes. */
export function maxSpanBytes({ start, end }: BatchRecord): number {
  return Math.ceil((end - start) * 3 / 4);
}

/**
 * Writes the serialized spans of a record into `target`, from `at` on.
 *
 * @returns The number of bytes.
 * @throws {Error} If the record contains none.
 */
export function decodeSpans(record: BatchRecord, target: Uint8Array, at: number): number {
  const { bytes, start, end } = record;
  const text = behindFields(bytes, start, end);
  if (text !== -1) {
    const length = decodeBase64(bytes, text, end - REST, target, at);
    if (length !== -1) return length;
  }
  const base64 = textField(bytes, start, end, "request_base64");
  if (base64 === undefined) throw new TypeError("Cannot find request_base64 of spans");
  const spans = fromBase64(base64);
  target.set(spans, at);
  return spans.length;
}

/** Position of the quote that ends the project, if it comes first; otherwise -1. */
function behindProject(bytes: Uint8Array, start: number, end: number): number {
  return PROJECT.standsAt(bytes, start) ? findByte(bytes, QUOTE, start + PROJECT.length, end) : -1;
}

/** Position of the Base64 text, if the fields are in this package's layout; otherwise -1. */
function behindFields(bytes: Uint8Array, start: number, end: number): number {
  let quote = behindProject(bytes, start, end);
  if (quote === -1 || bytes[end - REST] !== QUOTE) return -1;
  if (SPAN.standsAt(bytes, quote)) quote += SPAN.length + SPAN_DIGITS;
  return REQUEST.standsAt(bytes, quote) ? quote + REQUEST.length : -1;
}
