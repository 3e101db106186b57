/**
 * Request schemas of all endpoints, as tables over `validators.ts`.
 *
 * Stricter than today's server, which ignores unknown fields, but no stricter than the
 * public SDKs allow: a call's end may contain `trace_id`, `started_at` and `is_eval` (the
 * Python SDK writes them on both call paths, and the server ignores `is_eval` next to a
 * complete call), and `display_name` (the TypeScript SDK sends it if a call was renamed
 * while it ran).
 *
 * @module
 */

import {
  anything,
  bool,
  dictionary,
  dictionaryOf,
  extendable,
  integer,
  list,
  member,
  number,
  oneFieldOf,
  projectId,
  record,
  type Rule,
  serverOwned,
  shape,
  taggedBy,
  text,
  time,
} from "./validators.ts";

const START_REQUIRED = {
  project_id: projectId,
  op_name: text,
  started_at: time,
  attributes: record,
  inputs: record,
};
const START_OPTIONAL = {
  display_name: text,
  parent_id: text,
  thread_id: text,
  turn_id: text,
  otel_dump: record,
  wb_run_id: text,
  wb_run_step: integer,
  wb_user_id: serverOwned,
};
const IDS = { id: text, trace_id: text };
const USAGE = dictionary(extendable({
  prompt_tokens: integer,
  input_tokens: integer,
  completion_tokens: integer,
  output_tokens: integer,
  requests: integer,
  total_tokens: integer,
  cache_creation_input_tokens: integer,
  cache_read_input_tokens: integer,
}));
const STATUS_COUNTS = dictionaryOf(
  member("success", "error", "running", "descendant_error"),
  integer,
);
const summary = extendable({}, { usage: USAGE, status_counts: STATUS_COUNTS });
const END_REQUIRED = { project_id: projectId, id: text, ended_at: time, summary };
const END_OPTIONAL = { exception: text, output: anything, wb_run_step_end: integer };

const start = shape({ start: shape(START_REQUIRED, { ...START_OPTIONAL, ...IDS }) });
const end = shape({
  end: shape(END_REQUIRED, {
    ...END_OPTIONAL,
    trace_id: text,
    started_at: time,
    is_eval: bool,
    display_name: text,
  }),
});
const endV2 = shape({
  end: shape(
    { ...END_REQUIRED, trace_id: text, started_at: time },
    { ...END_OPTIONAL, is_eval: bool },
  ),
});
const complete = shape(
  { ...START_REQUIRED, ...IDS, ended_at: time, summary },
  { ...START_OPTIONAL, ...END_OPTIONAL, is_eval: bool },
);

const FEEDBACK_REQUIRED = {
  project_id: projectId,
  weave_ref: text,
  feedback_type: text,
  payload: record,
};
const FEEDBACK_OPTIONAL = {
  id: text,
  creator: text,
  annotation_ref: text,
  runnable_ref: text,
  call_ref: text,
  trigger_ref: text,
  wb_user_id: serverOwned,
};
const feedback = shape(FEEDBACK_REQUIRED, FEEDBACK_OPTIONAL);

/** Writes with a JSON body. */
export type WriteName =
  | "callStart"
  | "callEnd"
  | "callUpsertBatch"
  | "callsComplete"
  | "callStartV2"
  | "callEndV2"
  | "callUpdate"
  | "callsDelete"
  | "objCreate"
  | "tableCreate"
  | "tableUpdate"
  | "tableCreateFromDigests"
  | "feedbackCreate"
  | "feedbackBatchCreate"
  | "feedbackReplace"
  | "costCreate";

/** The rule of each write with a JSON body. */
export const WRITE_RULES: Readonly<Record<WriteName, Rule>> = {
  callStart: start,
  callEnd: end,
  callUpsertBatch: shape({
    batch: list(taggedBy("mode", {
      start: shape({ mode: text, req: start }),
      end: shape({ mode: text, req: end }),
    })),
  }),
  callsComplete: shape({ batch: list(complete) }),
  callStartV2: start,
  callEndV2: endV2,
  callUpdate: shape(
    { project_id: projectId, call_id: text },
    { display_name: text, wb_user_id: serverOwned },
  ),
  callsDelete: shape(
    { project_id: projectId, call_ids: list(text) },
    { wb_user_id: serverOwned },
  ),
  objCreate: shape({
    obj: shape(
      { project_id: projectId, object_id: text, val: anything },
      { builtin_object_class: text, expected_digest: text, wb_user_id: serverOwned },
    ),
  }),
  tableCreate: shape({
    table: shape({ project_id: projectId, rows: list(record) }, { expected_digest: text }),
  }),
  tableUpdate: shape({
    project_id: projectId,
    base_digest: text,
    updates: list(oneFieldOf({
      append: shape({ row: record }),
      pop: shape({ index: integer }),
      insert: shape({ index: integer, row: record }),
    })),
  }),
  tableCreateFromDigests: shape(
    { project_id: projectId, row_digests: list(text) },
    { expected_digest: text },
  ),
  feedbackCreate: feedback,
  feedbackBatchCreate: shape({ batch: list(feedback) }),
  feedbackReplace: shape({ ...FEEDBACK_REQUIRED, feedback_id: text }, FEEDBACK_OPTIONAL),
  costCreate: shape({
    project_id: projectId,
    costs: dictionary(shape(
      { prompt_token_cost: number, completion_token_cost: number },
      {
        cache_read_input_token_cost: number,
        cache_creation_input_token_cost: number,
        prompt_token_cost_unit: text,
        completion_token_cost_unit: text,
        effective_date: time,
        provider_id: text,
      },
    )),
  }, { wb_user_id: serverOwned }),
};

/** The form fields of a file upload; `file` itself is checked when the form is read. */
export const FILE_FORM: Rule = shape({ project_id: projectId }, { expected_digest: text });

/** Reads with a JSON body. */
export type ReadName =
  | "callRead"
  | "callsQuery"
  | "objRead"
  | "objsQuery"
  | "tableQuery"
  | "fileContent"
  | "feedbackQuery"
  | "projectsInfo";

/** The rule of each read with a JSON body. */
export const READ_RULES: Readonly<Record<ReadName, Rule>> = {
  callRead: shape(
    { project_id: projectId, id: text },
    { include_costs: bool, include_storage_size: bool, include_total_storage_size: bool },
  ),
  callsQuery: shape({ project_id: projectId }, {
    filter: shape({}, {
      op_names: list(text),
      input_refs: list(text),
      output_refs: list(text),
      parent_ids: list(text),
      trace_ids: list(text),
      call_ids: list(text),
      thread_ids: list(text),
      turn_ids: list(text),
      trace_roots_only: bool,
      wb_user_ids: list(text),
      wb_run_ids: list(text),
    }),
    limit: integer,
    offset: integer,
    sort_by: list(shape({ field: text, direction: text })),
    query: record,
    include_costs: bool,
    include_feedback: bool,
    include_storage_size: bool,
    include_total_storage_size: bool,
    columns: list(text),
    expand_columns: list(text),
  }),
  objRead: shape({ project_id: projectId, object_id: text, digest: text }, { metadata_only: bool }),
  objsQuery: shape({ project_id: projectId }, {
    filter: record,
    limit: integer,
    offset: integer,
    sort_by: list(record),
    metadata_only: bool,
  }),
  tableQuery: shape({ project_id: projectId, digest: text }, {
    filter: record,
    limit: integer,
    offset: integer,
    sort_by: list(record),
  }),
  fileContent: shape({ project_id: projectId, digest: text }),
  feedbackQuery: shape({ project_id: projectId }, {
    fields: list(text),
    query: record,
    sort_by: list(record),
    limit: integer,
    offset: integer,
  }),
  projectsInfo: shape({ project_ids: list(projectId) }),
};
