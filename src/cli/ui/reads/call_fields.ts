/**
 * Inputs, output and other fields of a call, read from its records on request.
 *
 * @module
 */

import { topLevelField } from "../../../bytes/json_fields.ts";
import { isOtelType } from "../../../protocol/otlp/otel_request.ts";
import { fromBase64 } from "../../../protocol/json/base64.ts";
import { readSpans } from "../../../protocol/otlp/spans.ts";
import type { BatchRecord } from "../../../wal/record/record_batch.ts";
import { hasCode } from "../../../errors.ts";
import type { LogPart } from "../../logs/log_part.ts";
import type { FieldView } from "../api_types.ts";

/** Maximum bytes of a field per response. */
const PART_BYTES = 64 * 1024;

/** The fields to show, by record type. */
const FIELDS: Readonly<Record<string, { wrapper: string; names: readonly string[] }>> = {
  call_start: { wrapper: "start", names: ["inputs", "attributes"] },
  call_end: { wrapper: "end", names: ["output", "exception", "summary"] },
};

/** Looks up the parts of the project with this name; returns `null` if the project is unknown. */
export type FindPart = (name: string) => Promise<readonly LogPart[] | null>;

/** Identifies records and their fields. */
export interface FieldRequest {
  /** `<part>:<position>`. */
  readonly at: string;
  /** ID of the call or span. */
  readonly id: string;
  /** Name of the field; default: all fields. */
  readonly field?: string;
  /** Byte position in the field to start at. */
  readonly from?: number;
}

/** Reads fields of the records at a place; returns `null` if there are none in the log. */
export async function readFields(
  find: FindPart,
  { at, id, field, from = 0 }: FieldRequest,
): Promise<FieldView[] | null> {
  const [name, digits] = at.split(":");
  if (!/^\d{1,15}$/.test(digits ?? "")) return null;
  const [part] = await find(name) ?? [];
  if (part === undefined) return null;
  const views: FieldView[] = [];
  let isThere = false;
  try {
    for await (const { bytes, lines } of part.at(Number(digits))) {
      for (const line of lines) {
        if (!("record" in line)) continue;
        isThere = true;
        for (const { name, value } of fieldsOf(bytes, line.record, id)) {
          if (field === undefined || name === field) views.push(fieldView(name, value, from, at));
        }
      }
    }
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error; // Delivered meanwhile.
  }
  return isThere ? views : null;
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
