/**
 * The write requests of the Weave trace server and its replies, as they stand on the wire and,
 * but for files, in the log. From the public Weave SDKs (Python 0.54, TypeScript 0.11.1).
 *
 * `project_id` is `"entity/project"`; times are ISO 8601 text in UTC; a field that is optional may
 * also be `null`. The server refuses unknown fields. `wb_user_id` is the server's to set and so is
 * missing here.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "./python_json.ts";
import type { RecordType } from "./record_types.ts";

/**
 * A call that begins.
 *
 * In this package's log its fields begin with `project_id, id, trace_id, op_name, started_at`, in
 * this order, so that a sender finds them without a search. `id` and `trace_id` are optional for
 * the server, but a request that can be sent twice or in a batch must have them (UUIDv7).
 */
export interface CallStart {
  project_id: string;
  id?: string | null;
  trace_id?: string | null;
  /** Ref of the op, or its bare name. */
  op_name: string;
  started_at: string;
  parent_id?: string | null;
  display_name?: string | null;
  thread_id?: string | null;
  turn_id?: string | null;
  attributes: JsonObject;
  inputs: JsonObject;
  otel_dump?: JsonObject | null;
  wb_run_id?: string | null;
  wb_run_step?: number | null;
}

/** A call that ended, as every server takes it. */
export interface CallEnd {
  project_id: string;
  id: string;
  ended_at: string;
  exception?: string | null;
  output?: JsonValue;
  summary: JsonObject;
  wb_run_step_end?: number | null;
}

/**
 * A call that ended, with what the v2 path needs to find its row.
 *
 * This is what the log holds. In this package's log its fields begin with `project_id, id,
 * trace_id, started_at, ended_at`, in this order, so that a sender can cut `trace_id` and
 * `started_at` out for a server that takes only {@linkcode CallEnd}. `started_at` must be the very
 * text of the start: the server joins rows by it.
 */
export interface CallEndV2 extends CallEnd {
  trace_id: string;
  started_at: string;
}

/** A call's start and end in one, for `calls/complete`. */
export interface CompleteCall extends Omit<CallStart, "id" | "trace_id"> {
  id: string;
  trace_id: string;
  ended_at: string;
  exception?: string | null;
  output?: JsonValue;
  /** Required by the newest servers. */
  summary: JsonObject;
  wb_run_step_end?: number | null;
}

/** `call_start`: `/call/start`, v2 `call/start`. */
export interface CallStartRequest {
  start: CallStart;
}

/** Answer to a {@linkcode CallStartRequest}. */
export interface CallStartReply {
  id: string;
  trace_id: string;
}

/** `call_end`: `/call/end`, v2 `call/end`. */
export interface CallEndRequest {
  end: CallEndV2;
}

/** One item of `/call/upsert_batch`. */
export type CallBatchItem =
  | { mode: "start"; req: CallStartRequest }
  | { mode: "end"; req: { end: CallEnd } };

/** `/call/upsert_batch`. */
export interface CallBatchRequest {
  batch: CallBatchItem[];
}

/** Answer to a {@linkcode CallBatchRequest}: one a item, empty for an end. */
export interface CallBatchReply {
  res: (CallStartReply | Record<string, never>)[];
}

/** v2 `calls/complete`. */
export interface CallsCompleteRequest {
  batch: CompleteCall[];
}

/** `call_update`: `/call/update`. */
export interface CallUpdateRequest {
  project_id: string;
  call_id: string;
  /** `""` clears the name. */
  display_name?: string | null;
}

/** `calls_delete`: `/calls/delete`. */
export interface CallsDeleteRequest {
  project_id: string;
  call_ids: string[];
}

/** `obj_create`: `/obj/create`. */
export interface ObjCreateRequest {
  obj: {
    project_id: string;
    object_id: string;
    val: JsonValue;
    /** The server rewrites `val` by it, so its digest is not known beforehand. */
    builtin_object_class?: string | null;
    /** The server answers 409 when it computes another one. */
    expected_digest?: string | null;
  };
}

/** Answer of the server where it only tells a digest. */
export interface DigestReply {
  digest: string;
}

/** `table_create`: `/table/create`. */
export interface TableCreateRequest {
  table: {
    project_id: string;
    rows: JsonObject[];
    expected_digest?: string | null;
  };
}

/** Answer to a {@linkcode TableCreateRequest}. */
export interface TableCreateReply extends DigestReply {
  /** Missing on older servers. */
  row_digests?: string[];
}

/** One change of a table. */
export type TableUpdate =
  | { append: { row: JsonObject } }
  | { pop: { index: number } }
  | { insert: { index: number; row: JsonObject } };

/** `table_update`: `/table/update`. */
export interface TableUpdateRequest {
  project_id: string;
  base_digest: string;
  updates: TableUpdate[];
}

/** Answer to a {@linkcode TableUpdateRequest}. */
export interface TableUpdateReply extends DigestReply {
  /** Missing on older servers. */
  updated_row_digests?: string[];
}

/** `table_create_from_digests`: `/table/create_from_digests`. */
export interface TableCreateFromDigestsRequest {
  project_id: string;
  row_digests: string[];
  expected_digest?: string | null;
}

/**
 * `file_create` as it stands in the log; on the wire it is a form of the parts `project_id` and
 * `file`, whose file name is `name`.
 *
 * Text is in `content`, in UTF-8, as in the Python SDK's log (which may add `expected_digest`);
 * anything else in `content_base64`, which only this package writes.
 */
export type FileCreateRequest =
  & { project_id: string; name: string; expected_digest?: string | null }
  & (
    | { content: string; content_base64?: undefined }
    | { content?: undefined; content_base64: string }
  );

/** `feedback_create`: `/feedback/create`, or an item of `/feedback/batch/create`. */
export interface FeedbackCreateRequest {
  /** Without it, a request that is sent twice leaves two feedbacks. UUIDv7. */
  id?: string | null;
  project_id: string;
  weave_ref: string;
  creator?: string | null;
  /** `"wandb.runnable.<name>"` for a score, whose payload is `{"output": …}`. */
  feedback_type: string;
  payload: JsonObject;
  annotation_ref?: string | null;
  runnable_ref?: string | null;
  call_ref?: string | null;
  trigger_ref?: string | null;
}

/** Answer to a {@linkcode FeedbackCreateRequest} or {@linkcode FeedbackReplaceRequest}. */
export interface FeedbackReply {
  id: string;
  created_at: string;
  wb_user_id: string;
  payload: JsonObject;
}

/** `/feedback/batch/create`; older servers answer 404. */
export interface FeedbackBatchRequest {
  batch: FeedbackCreateRequest[];
}

/** Answer to a {@linkcode FeedbackBatchRequest}. */
export interface FeedbackBatchReply {
  res: FeedbackReply[];
}

/** `feedback_replace`: `/feedback/replace`. */
export interface FeedbackReplaceRequest extends FeedbackCreateRequest {
  /** The feedback that this one takes the place of. */
  feedback_id: string;
}

/** Price of one model, in `prompt_token_cost_unit` (dollars by default) a token. */
export interface Cost {
  prompt_token_cost: number;
  completion_token_cost: number;
  prompt_token_cost_unit?: string | null;
  completion_token_cost_unit?: string | null;
  /** From when the price holds; now by default. */
  effective_date?: string | null;
  provider_id?: string | null;
}

/** `cost_create`: `/cost/create`. */
export interface CostCreateRequest {
  project_id: string;
  /** By model name. */
  costs: Record<string, Cost>;
}

/** Answer to a {@linkcode CostCreateRequest}: pairs of an id and a model name. */
export interface CostCreateReply {
  ids: [id: string, model: string][];
}

/** The request that a record of each type holds. */
export interface WriteRequests {
  call_start: CallStartRequest;
  call_end: CallEndRequest;
  call_update: CallUpdateRequest;
  calls_delete: CallsDeleteRequest;
  obj_create: ObjCreateRequest;
  table_create: TableCreateRequest;
  table_update: TableUpdateRequest;
  table_create_from_digests: TableCreateFromDigestsRequest;
  file_create: FileCreateRequest;
  feedback_create: FeedbackCreateRequest;
  feedback_replace: FeedbackReplaceRequest;
  cost_create: CostCreateRequest;
}

/** The answer that the server gives to the request of each record type, sent on its own. */
export interface WriteReplies {
  call_start: CallStartReply;
  call_end: Record<string, never>;
  call_update: Record<string, never>;
  calls_delete: Record<string, unknown>;
  obj_create: DigestReply;
  table_create: TableCreateReply;
  table_update: TableUpdateReply;
  table_create_from_digests: DigestReply;
  file_create: DigestReply;
  feedback_create: FeedbackReply;
  feedback_replace: FeedbackReply;
  cost_create: CostCreateReply;
}

/** The request that a record of type `T` holds. */
export type RequestOf<T extends RecordType> = WriteRequests[T];

/** The answer to the request of a record of type `T`. */
export type ReplyOf<T extends RecordType> = WriteReplies[T];
