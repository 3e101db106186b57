/**
 * The record types of the log: one a Weave write, under the names that the Python SDK's log uses,
 * and two of OpenTelemetry spans, which that log does not have.
 *
 * @module
 */

/** Every record type that the log can hold, in no order that matters. */
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

/** The name of a Weave write in a record's `type`. */
export type RecordType = (typeof RECORD_TYPES)[number];
