/**
 * Stored data as the reads return it, with the fields that the real server adds.
 *
 * @module
 */

import type { CallRecord, Json } from "../store/call_store.ts";
import type { ObjectVersion } from "../store/store.ts";

/** The author of everything. */
const USER = "mock-user";

/** A call, from the v1 tables or from the v2 table. */
export function callView(call: CallRecord, table: "v1" | "complete"): Json {
  // Numbers of the v2 table are never null.
  const step = (value: number | null) => table === "complete" ? value ?? 0 : value;
  return {
    ...call,
    summary: { ...call.summary, weave: weaveSummary(call) },
    wb_user_id: USER,
    wb_run_step: step(call.wb_run_step),
    wb_run_step_end: step(call.wb_run_step_end),
    expire_at: null,
    storage_size_bytes: null,
    total_storage_size_bytes: null,
  };
}

function weaveSummary(call: CallRecord): Json {
  const { started_at, ended_at, display_name, op_name } = call;
  return {
    status: statusOf(call),
    ...(display_name === null ? { trace_name: nameOf(op_name ?? "") } : { display_name }),
    ...(ended_at === null
      ? {}
      : { latency_ms: Date.parse(ended_at) - Date.parse(started_at ?? "") }),
  };
}

function statusOf({ exception, ended_at, summary }: CallRecord): string {
  if (exception !== null) return "error";
  if (ended_at === null) return "running";
  const { error = 0 } = (summary?.status_counts ?? {}) as { error?: number };
  return error > 0 ? "descendant_error" : "success";
}

function nameOf(op: string): string {
  return /\/op\/([^:]+)/.exec(op)?.[1] ?? op;
}

/** A version of an object. */
export function objectView(version: ObjectVersion): Json {
  return {
    ...version,
    deleted_at: null,
    wb_user_id: USER,
    size_bytes: null,
    tags: null,
    aliases: null,
  };
}

const FEEDBACK_COLUMNS: Json = {
  creator: null,
  annotation_ref: null,
  runnable_ref: null,
  call_ref: null,
  trigger_ref: null,
  queue_id: null,
  scorer_tags: [],
  scorer_tag_reasons: {},
  scorer_tag_confidences: {},
  scorer_ratings: {},
  scorer_rating_reasons: {},
  scorer_rating_confidences: {},
  span_agent_name: "",
  span_agent_version: "",
  span_status_code: "",
  span_conversation_id: "",
  span_trace_id: "",
  scorer_trace_id: "",
};

/** Feedback, or the requested fields of it. */
export function feedbackView(feedback: Json, fields: readonly string[] | null): Json {
  const whole = { ...FEEDBACK_COLUMNS, ...feedback };
  if (fields === null) return whole;
  return Object.fromEntries(fields.map((name) => [name, whole[name] ?? null]));
}
