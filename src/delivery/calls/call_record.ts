/**
 * Single starts and ends of calls, and the batch items built from them.
 * @module
 */

import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { BatchRecord, RecordBatch } from "../../wal/record/record_batch.ts";
import type { BatchItem } from "../records/bisect_batch.ts";
import { corruptDeadLetter, unsendableDeadLetter } from "../records/dead_letters.ts";
import { bytesOf } from "../records/request_body.ts";
import { type CallFields, endRest, NO_V1_END_FIELDS, readCall } from "./call_fields.ts";
import { withoutFields } from "./json_splice.ts";
import { sameBytes } from "./same_bytes.ts";

/** A start or an end. */
export interface CallRecord {
  readonly record: BatchRecord;
  readonly parts: CallFields;
}

/** A start and its end. */
export interface CallPair {
  readonly start: CallRecord;
  readonly end: CallRecord;
}

/** Batch items, and the dead letters of records for which no item could be built. */
export interface BuiltItems {
  readonly items: BatchItem[];
  readonly deadLetters: DeadLetter[];
}

const MODE_START = bytesOf('{"mode":"start","req":');
const MODE_END = bytesOf('{"mode":"end","req":');
const END_OPEN = bytesOf('{"end":');
const CLOSE = bytesOf("}");

/** Returns the key that a start and its end share, unique to the call. */
export function callKey({ parts: { projectId, id } }: CallRecord): string {
  return `${projectId}\0${id}`;
}

/** Returns whether two records of one call are the same, byte for byte. */
export function isRepeat({ record: a }: CallRecord, { record: b }: CallRecord): boolean {
  return sameBytes(a.bytes, a.lineStart, a.lineEnd, b.bytes, b.lineStart, b.lineEnd);
}

/** Returns the starts and ends in a batch, in order. */
export function callsOf(batch: RecordBatch): BatchRecord[] {
  return batch.records((type) => type === "call_start" || type === "call_end");
}

/**
 * Returns the calls in a batch, in order; records that are neither a start nor an end become dead
 * letters.
 */
export function readCalls(batch: RecordBatch): { calls: CallRecord[]; deadLetters: DeadLetter[] } {
  const calls: CallRecord[] = [];
  const deadLetters: DeadLetter[] = [];
  for (const record of callsOf(batch)) {
    try {
      const parts = readCall(record);
      if (parts) calls.push({ record, parts });
      else deadLetters.push(corruptDeadLetter(record));
    } catch (error) {
      deadLetters.push(unsendableDeadLetter(record, error));
    }
  }
  return { calls, deadLetters };
}

/** Copies a call to its own memory, to keep it longer than the batch. */
export function copyOf({ record, parts }: CallRecord): CallRecord {
  const shift = record.lineStart;
  const moved = (at: number): number => at === -1 ? -1 : at - shift;
  return {
    record: {
      ...record,
      bytes: record.bytes.slice(record.lineStart, record.lineEnd),
      lineStart: 0,
      lineEnd: record.lineEnd - shift,
      start: record.start - shift,
      end: record.end - shift,
    },
    parts: {
      ...parts,
      objectStart: parts.objectStart - shift,
      objectEnd: parts.objectEnd - shift,
      behindId: moved(parts.behindId),
      behindStartedAt: moved(parts.behindStartedAt),
    },
  };
}

/** Builds items one by one: an unusable record does not affect the others. */
export function buildItems<T>(
  inputs: readonly T[],
  recordsOf: (input: T) => readonly BatchRecord[],
  build: (input: T) => BatchItem,
): BuiltItems {
  const items: BatchItem[] = [];
  const deadLetters: DeadLetter[] = [];
  for (const input of inputs) {
    try {
      items.push(build(input));
    } catch (error) {
      deadLetters.push(...recordsOf(input).map((record) => unsendableDeadLetter(record, error)));
    }
  }
  return { items, deadLetters };
}

/** Builds an item of `/call/upsert_batch`. */
export function upsertItem(call: CallRecord): BatchItem {
  const { record, parts } = call;
  const { bytes, start, end, type } = record;
  const pieces = type === "call_start"
    ? [MODE_START, bytes.subarray(start, end), CLOSE]
    : [MODE_END, ...v1End(record, parts), CLOSE];
  return { records: [record], pieces, key: callKey(call) };
}

/** Builds an item of `calls/complete`. */
export function completeItem({ start, end }: CallPair): BatchItem {
  const { objectStart, objectEnd } = start.parts;
  return {
    records: [start.record, end.record],
    pieces: [
      start.record.bytes.subarray(objectStart, objectEnd - 1),
      endRest(end.record.bytes, end.parts),
    ],
  };
}

/** Returns an end without the fields of the v2 path. */
function v1End({ bytes, start, end }: BatchRecord, parts: CallFields): Uint8Array[] {
  if (parts.behindStartedAt !== -1) {
    return [bytes.subarray(start, parts.behindId), bytes.subarray(parts.behindStartedAt, end)];
  }
  return [
    END_OPEN,
    withoutFields(bytes, parts.objectStart, parts.objectEnd, NO_V1_END_FIELDS),
    CLOSE,
  ];
}
