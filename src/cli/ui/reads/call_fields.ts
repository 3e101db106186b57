/**
 * Inputs, output and other fields of a call, read from its records on request.
 *
 * @module
 */

import { topLevelField } from "../../../bytes/json_fields.ts";
import { isOtelType } from "../../../protocol/otlp/otel_request.ts";
import { fromBase64 } from "../../../protocol/json/base64.ts";
import { readSpans } from "../../../protocol/otlp/spans.ts";
import type { Runtime } from "../../../runtime/runtime.ts";
import type { BatchRecord } from "../../../wal/record/record_batch.ts";
import { BatchReader } from "../../../wal/record/batch_reader.ts";
import { ReadOnlySegment } from "../../../wal/segment/read_only_segment.ts";
import { parseStem, segmentPaths } from "../../../wal/segment/segment_name.ts";
import { READ_LIMITS } from "../../logs/read_limits.ts";
import { hasCode } from "../../../errors.ts";
import type { FieldView } from "../api_types.ts";

/** Maximum bytes of a field per response. */
const PART_BYTES = 64 * 1024;
/** Bytes to read initially for a record. */
const FIRST_BYTES = 64 * 1024;

/** The fields to show, by record type. */
const FIELDS: Readonly<Record<string, { wrapper: string; names: readonly string[] }>> = {
  call_start: { wrapper: "start", names: ["inputs", "attributes"] },
  call_end: { wrapper: "end", names: ["output", "exception", "summary"] },
};

/** Identifies a record and its fields. */
export interface FieldRequest {
  /** Directory of its project. */
  readonly directory: string;
  /** `<stem>:<offset>`. */
  readonly at: string;
  /** ID of the call or span. */
  readonly id: string;
  /** Name of the field; default: all fields. */
  readonly field?: string;
  /** Byte position in the field to start at. */
  readonly from?: number;
}

/** Reads fields of a record; returns `null` if it is not in the log. */
export async function readFields(
  runtime: Runtime,
  request: FieldRequest,
): Promise<FieldView[] | null> {
  const { directory, at, id, field, from = 0 } = request;
  const [stem, digits] = at.split(":");
  if (parseStem(stem) === null || !/^\d{1,15}$/.test(digits ?? "")) return null;
  const path = segmentPaths(directory, stem).data;
  const found = await readRecord(runtime, path, stem, Number(digits));
  if (found === null) return null;
  const fields = fieldsOf(found.bytes, found.record, id);
  return fields
    .filter(({ name }) => field === undefined || name === field)
    .map(({ name, value }) => fieldView(name, value, from, at));
}

/** Returns a part of a field, cut between characters. */
export function fieldView(name: string, value: Uint8Array, from: number, at: string): FieldView {
  const start = characterStart(value, Math.min(from, value.length));
  const to = characterStart(value, Math.min(value.length, start + PART_BYTES));
  const text = decoder.decode(value.subarray(start, to));
  return { name, text, from: start, to, bytes: value.length, at };
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** Returns the first byte position at or after `at` that is not inside a character. */
function characterStart(bytes: Uint8Array, at: number): number {
  let start = at;
  while (start < bytes.length && (bytes[start] & 0xc0) === 0x80) start++;
  return start;
}

interface Field {
  readonly name: string;
  readonly value: Uint8Array;
}

function fieldsOf(bytes: Uint8Array, record: BatchRecord, id: string): Field[] {
  if (isOtelType(record.type)) return spanFields(bytes, record, id);
  const { wrapper, names } = FIELDS[record.type] ?? { wrapper: "", names: [] };
  const call = topLevelField(bytes, record.start, record.end, wrapper);
  const own = call && topLevelField(bytes, call.start, call.end, "id");
  if (!call || !own || textOf(bytes, own) !== id) return [];
  return names.flatMap((name) => {
    const field = topLevelField(bytes, call.start, call.end, name);
    const value = field && bytes.subarray(field.start, field.end);
    return value === undefined || isEmpty(value) ? [] : [{ name, value }];
  });
}

function textOf(bytes: Uint8Array, { start, end }: { start: number; end: number }): unknown {
  try {
    return JSON.parse(decoder.decode(bytes.subarray(start, end)));
  } catch {
    return undefined;
  }
}

/** Returns whether a value is `null` or `{}`. */
function isEmpty(value: Uint8Array): boolean {
  return value.length <= 4 && ["null", "{}"].includes(decoder.decode(value));
}

function spanFields(bytes: Uint8Array, record: BatchRecord, id: string): Field[] {
  const field = topLevelField(bytes, record.start, record.end, "request_base64");
  if (!field) return [];
  try {
    const text = decoder.decode(bytes.subarray(field.start + 1, field.end - 1));
    const span = readSpans(fromBase64(text)).find(({ spanId }) => spanId === id);
    if (span === undefined) return [];
    const { attributes, status, resource } = span;
    return Object.entries({ attributes, status, resource }).map(([name, value]) => ({
      name,
      value: encoder.encode(
        JSON.stringify(value, (_, part) => typeof part === "bigint" ? `${part}` : part),
      ),
    }));
  } catch {
    return [];
  }
}

/** Returns the record at `offset`; `null` if there is none. */
async function readRecord(
  { files }: Runtime,
  path: string,
  stem: string,
  offset: number,
): Promise<{ bytes: Uint8Array; record: BatchRecord } | null> {
  let segment: ReadOnlySegment;
  try {
    segment = new ReadOnlySegment(files, path, { name: stem });
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
  try {
    if (offset >= segment.end() || await segment.lineAt(offset) !== offset) return null;
    const limits = { ...READ_LIMITS, records: 1, bytes: FIRST_BYTES };
    const batch = await new BatchReader(segment, limits, offset).next(false);
    const record = batch?.records(() => true)[0];
    return record?.offset === offset ? { bytes: batch!.bytes, record } : null;
  } finally {
    segment.close();
  }
}
