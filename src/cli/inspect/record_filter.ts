/**
 * Which records of a log are shown.
 *
 * @module
 */

import type { BatchRecord } from "../../wal/record/record_batch.ts";
import type { RecordFacts } from "./record_facts.ts";

/** Criteria that records must meet. */
export interface RecordFilter {
  /** Record types; all where empty. */
  readonly types: readonly string[];
  /** A call's id, its beginning or its end. */
  readonly call?: string;
  /** Epoch ms; earlier records are left out. */
  readonly since?: number;
}

const decoder = new TextDecoder();

/**
 * Tells records that pass from others.
 *
 * @param begun Epoch ms at which the segment was begun: the time of records before any that tells.
 */
export function recordFilter(
  { types, call, since }: RecordFilter,
  begun: number | null,
): (bytes: Uint8Array, record: BatchRecord, facts: RecordFacts) => boolean {
  let time = begun ?? 0;
  return (bytes, record, facts) => {
    // A record that does not tell its time is as old as the one before it.
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

/** Whether `wanted` is the id, its beginning or its end. */
export function matchesId(id: string, wanted: string): boolean {
  return id === wanted || id.startsWith(wanted) || id.endsWith(wanted);
}
