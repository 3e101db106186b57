/**
 * The record types of the log: one per Weave write, named as in the Python SDK's log, and two for
 * OpenTelemetry spans, which that log does not have.
 *
 * @module
 */

/** All record types, in no particular order. */
export const RECORD_TYPES = [
  "call_start",
  "call_end",
  "call_update",
  "calls_delete",
  "obj_create",
  "table_create",
  "table_update",
  "table_create_from_digests",
  "file_create",
  "feedback_create",
  "feedback_replace",
  "cost_create",
  "otel_traces",
  "otel_agents",
] as const;

/** The record type of a Weave write. */
export type RecordType = (typeof RECORD_TYPES)[number];
