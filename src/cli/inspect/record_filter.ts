/**
 * Selects the records of a log to show.
 *
 * @module
 */

import type { BatchRecord } from "../../wal/record/record_batch.ts";
import type { RecordFacts } from "./record_facts.ts";

/** Criteria that records must meet. */
export interface RecordFilter {
  /** Record types; all if empty. */
  readonly types: readonly string[];
  /** ID of a call, or its beginning or end. */
  readonly call?: string;
  /** Epoch ms; earlier records are excluded. */
  readonly since?: number;
}

const decoder = new TextDecoder();

/**
 * Returns a function that tests records.
 *
 * @param begun Epoch ms at which the segment was created; the time of records before the first one
 * with a time.
 */
export function recordFilter(
  { types, call, since }: RecordFilter,
  begun: number | null,
): (bytes: Uint8Array, record: BatchRecord, facts: RecordFacts) => boolean {
  let time = begun ?? 0;
  return (bytes, record, facts) => {
    // A record without a time has that of the previous one.
    if (facts.time !== undefined) time = facts.time;
    if (since !== undefined && time < since) return false;
    if (types.length > 0 && !types.includes(record.type)) return false;
    return call === undefined || isAbout(call, bytes, record, facts);
  };
}

function isAbout(
  call: string,
  bytes: Uint8Array,
  record: BatchRecord,
  { callId }: RecordFacts,
): boolean {
  if (callId !== undefined) return matchesId(callId, call);
  if (record.type !== "calls_delete") return false;
  return decoder.decode(bytes.subarray(record.start, record.end)).includes(call);
}

/** Returns whether `wanted` is the ID, its beginning or its end. */
export function matchesId(id: string, wanted: string): boolean {
  return id === wanted || id.startsWith(wanted) || id.endsWith(wanted);
}
