/**
 * The write requests of the Weave trace server and its replies, as they are on the wire and,
 * but for files, in the log. From the public Weave SDKs (Python 0.54, TypeScript 0.11.1).
 *
 * `project_id` is `"entity/project"`; times are ISO 8601 text in UTC; a field that is optional may
 * also be `null`. The server refuses unknown fields. `wb_user_id` is the server's to set and so is
 * missing here.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "./digest/python_json.ts";
import type { RecordType } from "./record_types.ts";

/**
 * A call that begins.
 *
 * In this package's log its fields begin with `project_id, id, trace_id, op_name, started_at`, in
 * this order, so that a sender finds them without a search. `id` and `trace_id` are optional for
 * the server, but a request that can be sent twice or in a batch must have them (UUIDv7).
 */
export interface CallStart {
  /** `"entity/project"`. */
  project_id: string;
  /** UUIDv7 of the call. */
  id?: string | null;
  /** UUIDv7 that all calls of one tree share. */
  trace_id?: string | null;
  /** Ref of the op, or its bare name. */
  op_name: string;
  /** When it began. */
  started_at: string;
  /** The call that this one was made in. */
  parent_id?: string | null;
  /** Name for people, in place of the op's. */
  display_name?: string | null;
  /** Conversation that the call belongs to. */
  thread_id?: string | null;
  /** Turn of that conversation. */
  turn_id?: string | null;
  /** Attributes that the call was made with. */
  attributes: JsonObject;
  /** Arguments by name. */
  inputs: JsonObject;
  /** The OpenTelemetry span that the call was made from. */
  otel_dump?: JsonObject | null;
  /** W&B run that the call was made in. */
  wb_run_id?: string | null;
  /** Step of that run when the call began. */
  wb_run_step?: number | null;
}

/** A call that ended, as every server takes it. */
export interface CallEnd {
  /** `"entity/project"`. */
  project_id: string;
  /** UUIDv7 of the call. */
  id: string;
  /** When it ended. */
  ended_at: string;
  /** The error, as text. */
  exception?: string | null;
  /** The output. */
  output?: JsonValue;
  /** Token usage by model, status counts and other sums. */
  summary: JsonObject;
  /** Step of the W&B run when the call ended. */
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
  /** UUIDv7 that all calls of one tree share. */
  trace_id: string;
  /** When it began. */
  started_at: string;
}

/** A call's start and end in one, for `calls/complete`. */
export interface CompleteCall extends Omit<CallStart, "id" | "trace_id"> {
  /** UUIDv7 of the call. */
  id: string;
  /** UUIDv7 that all calls of one tree share. */
  trace_id: string;
  /** When it ended. */
  ended_at: string;
  /** The error, as text. */
  exception?: string | null;
  /** The output. */
  output?: JsonValue;
  /** Required by the newest servers. */
  summary: JsonObject;
  /** Step of the W&B run when the call ended. */
  wb_run_step_end?: number | null;
}

/** `call_start`: `/call/start`, v2 `call/start`. */
export interface CallStartRequest {
  /** The call. */
  start: CallStart;
}

/** Answer to a {@linkcode CallStartRequest}. */
export interface CallStartReply {
  /** UUIDv7 of the call. */
  id: string;
  /** The trace of the call. */
  trace_id: string;
}

/** `call_end`: `/call/end`, v2 `call/end`. */
export interface CallEndRequest {
  /** The end of the call. */
  end: CallEndV2;
}

/** One item of `/call/upsert_batch`. */
export type CallBatchItem =
  | { mode: "start"; req: CallStartRequest }
  | { mode: "end"; req: { end: CallEnd } };

/** `/call/upsert_batch`. */
export interface CallBatchRequest {
  /** The items. */
  batch: CallBatchItem[];
}

/** Answer to a {@linkcode CallBatchRequest}: one a item, empty for an end. */
export interface CallBatchReply {
  /** Answers, in the order of the batch. */
  res: (CallStartReply | Record<string, never>)[];
}

/** v2 `calls/complete`. */
export interface CallsCompleteRequest {
  /** The items. */
  batch: CompleteCall[];
}

/** `call_update`: `/call/update`. */
export interface CallUpdateRequest {
  /** `"entity/project"`. */
  project_id: string;
  /** The call to change. */
  call_id: string;
  /** `""` clears the name. */
  display_name?: string | null;
}

/** `calls_delete`: `/calls/delete`. */
export interface CallsDeleteRequest {
  /** `"entity/project"`. */
  project_id: string;
  /** The calls to delete, their children included. */
  call_ids: string[];
}

/** `obj_create`: `/obj/create`. */
export interface ObjCreateRequest {
  /** The object. */
  obj: {
    /** `"entity/project"`. */
    project_id: string;
    /** Name of the object. */
    object_id: string;
    /** Its value. */
    val: JsonValue;
    /** The server rewrites `val` by it, so its digest is not known beforehand. */
    builtin_object_class?: string | null;
    /** The server answers 409 when it computes another one. */
    expected_digest?: string | null;
  };
}

/** Answer of the server where it only tells a digest. */
export interface DigestReply {
  /** The digest that the server computed. */
  digest: string;
}

/** `table_create`: `/table/create`. */
export interface TableCreateRequest {
  /** The table. */
  table: {
    /** `"entity/project"`. */
    project_id: string;
    /** Rows, in order. */
    rows: JsonObject[];
    /** The server answers 409 when it computes another one. */
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
  /** `"entity/project"`. */
  project_id: string;
  /** The table to start from. */
  base_digest: string;
  /** Changes, done one after the other. */
  updates: TableUpdate[];
}

/** Answer to a {@linkcode TableUpdateRequest}. */
export interface TableUpdateReply extends DigestReply {
  /** Missing on older servers. */
  updated_row_digests?: string[];
}

/** `table_create_from_digests`: `/table/create_from_digests`. */
export interface TableCreateFromDigestsRequest {
  /** `"entity/project"`. */
  project_id: string;
  /** Digests of the rows, in order. */
  row_digests: string[];
  /** The server answers 409 when it computes another one. */
  expected_digest?: string | null;
}

/**
 * `file_create` as it is in the log; on the wire it is a form of the parts `project_id` and
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
  /** `"entity/project"`. */
  project_id: string;
  /** Subject of the feedback. */
  weave_ref: string;
  /** Name of who gave it. */
  creator?: string | null;
  /** `"wandb.runnable.<name>"` for a score, whose payload is `{"output": …}`. */
  feedback_type: string;
  /** The feedback itself. */
  payload: JsonObject;
  /** Ref of the annotation's definition. */
  annotation_ref?: string | null;
  /** Ref of the scorer. */
  runnable_ref?: string | null;
  /** Ref of the scorer's own call. */
  call_ref?: string | null;
  /** Ref of the monitor, or other source, that it came from. */
  trigger_ref?: string | null;
}

/** Answer to a {@linkcode FeedbackCreateRequest} or {@linkcode FeedbackReplaceRequest}. */
export interface FeedbackReply {
  /** Id of the feedback. */
  id: string;
  /** When the server stored it. */
  created_at: string;
  /** Who stored it. */
  wb_user_id: string;
  /** The feedback itself. */
  payload: JsonObject;
}

/** `/feedback/batch/create`; older servers answer 404. */
export interface FeedbackBatchRequest {
  /** The items. */
  batch: FeedbackCreateRequest[];
}

/** Answer to a {@linkcode FeedbackBatchRequest}. */
export interface FeedbackBatchReply {
  /** Answers, in the order of the batch. */
  res: FeedbackReply[];
}

/** `feedback_replace`: `/feedback/replace`. */
export interface FeedbackReplaceRequest extends FeedbackCreateRequest {
  /** The feedback that this one takes the place of. */
  feedback_id: string;
}

/**
 * Price of one model, in `prompt_token_cost_unit` (dollars by default) a token.
 *
 * @example
 * ```ts
 * import { type Cost, init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const cost: Cost = { prompt_token_cost: 0.000001, completion_token_cost: 0.000002 };
 * client.costCreate({ "my-model": cost });
 * ```
 */
export interface Cost {
  /** Price of a prompt token, in `prompt_token_cost_unit`s (dollars). */
  prompt_token_cost: number;
  /** Price of a completion token, in `completion_token_cost_unit`s (dollars). */
  completion_token_cost: number;
  /** `"USD"` by default. */
  prompt_token_cost_unit?: string | null;
  /** `"USD"` by default. */
  completion_token_cost_unit?: string | null;
  /** From when the price holds; now by default. */
  effective_date?: string | null;
  /** Such as `"openai"`; `"default"` by default. */
  provider_id?: string | null;
}

/** `cost_create`: `/cost/create`. */
export interface CostCreateRequest {
  /** `"entity/project"`. */
  project_id: string;
  /** By model name. */
  costs: Record<string, Cost>;
}

/** Answer to a {@linkcode CostCreateRequest}: pairs of an id and a model name. */
export interface CostCreateReply {
  /** Of each price, its id and its model. */
  ids: [id: string, model: string][];
}

/**
 * `otel_traces` and `otel_agents` as they are in the log. On the wire, the bytes of several make one
 * request, and the project is in the header `project_id`.
 */
export interface OtelRequest {
  /** `"entity/project"`. */
  project_id: string;
  /** A serialized `ExportTraceServiceRequest` of OTLP. */
  request_base64: string;
}

/** Answer to an {@linkcode OtelRequest}, where it is not empty. */
export interface OtelReply {
  /** The rejected part. */
  partial_success?: { rejected_spans?: number; error_message?: string } | null;
}

/** The request that a record of each type holds. */
export interface WriteRequests {
  /** A call that begins. */
  call_start: CallStartRequest;
  /** A call that ends. */
  call_end: CallEndRequest;
  /** A new display name for a call. */
  call_update: CallUpdateRequest;
  /** Calls to delete. */
  calls_delete: CallsDeleteRequest;
  /** A version of an object or op. */
  obj_create: ObjCreateRequest;
  /** A table. */
  table_create: TableCreateRequest;
  /** A table made from another. */
  table_update: TableUpdateRequest;
  /** A table of rows that the server has. */
  table_create_from_digests: TableCreateFromDigestsRequest;
  /** A file. */
  file_create: FileCreateRequest;
  /** Feedback on a call or an object. */
  feedback_create: FeedbackCreateRequest;
  /** Feedback in place of another. */
  feedback_replace: FeedbackReplaceRequest;
  /** Prices of models. */
  cost_create: CostCreateRequest;
  /** OpenTelemetry spans for the Traces view. */
  otel_traces: OtelRequest;
  /** OpenTelemetry spans for the Agents view. */
  otel_agents: OtelRequest;
}

/** The answer that the server gives to the request of each record type, sent on its own. */
export interface WriteReplies {
  /** A call that begins. */
  call_start: CallStartReply;
  /** A call that ends. */
  call_end: Record<string, never>;
  /** A new display name for a call. */
  call_update: Record<string, never>;
  /** Calls to delete. */
  calls_delete: Record<string, unknown>;
  /** A version of an object or op. */
  obj_create: DigestReply;
  /** A table. */
  table_create: TableCreateReply;
  /** A table made from another. */
  table_update: TableUpdateReply;
  /** A table of rows that the server has. */
  table_create_from_digests: DigestReply;
  /** A file. */
  file_create: DigestReply;
  /** Feedback on a call or an object. */
  feedback_create: FeedbackReply;
  /** Feedback in place of another. */
  feedback_replace: FeedbackReply;
  /** Prices of models. */
  cost_create: CostCreateReply;
  /** OpenTelemetry spans for the Traces view. */
  otel_traces: OtelReply;
  /** OpenTelemetry spans for the Agents view. */
  otel_agents: OtelReply;
}

/** The request that a record of type `T` holds. */
export type RequestOf<T extends RecordType> = WriteRequests[T];

/** The answer to the request of a record of type `T`. */
export type ReplyOf<T extends RecordType> = WriteReplies[T];
