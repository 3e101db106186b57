/**
 * Inputs of a client's writes.
 *
 * @module
 */

/**
 * An object with any values. `src/protocol/json/stringify.ts` specifies how values are encoded that
 * JSON cannot represent.
 *
 * @example
 * ```ts
 * import type { AnyObject } from "@weave-wal/client";
 *
 * const inputs: AnyObject = { question: "why?" };
 * if (inputs.question !== "why?") throw new Error();
 * ```
 */
export type AnyObject = Record<string, unknown>;

/**
 * Fields of a call's start. Missing ones get default values.
 *
 * @example
 * ```ts
 * import { type CallStartInput, init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const start: CallStartInput = { op_name: "ask", inputs: { question: "why?" }, display_name: "Ask" };
 * client.callEnd(client.callStart(start));
 * ```
 */
export interface CallStartInput {
  /** Ref of the op, or its plain name. */
  op_name: string;
  /** ID of the call. Default: a new UUIDv7. */
  id?: string;
  /** ID of the call's trace. Default: a new ID. */
  trace_id?: string;
  /** ID of the parent call. */
  parent_id?: string | null;
  /** Start time, ISO 8601, UTC. Default: now. */
  started_at?: string;
  /** Display name, shown instead of the op's name. */
  display_name?: string | null;
  /** ID of the conversation. */
  thread_id?: string | null;
  /** ID of the turn in the conversation. */
  turn_id?: string | null;
  /** Custom attributes. */
  attributes?: AnyObject;
  /** Arguments by name. */
  inputs?: AnyObject;
  /** The span from which the call was created, if any. */
  otel_dump?: AnyObject | null;
  /** ID of the W&B run. */
  wb_run_id?: string | null;
  /** Step of the run at the start. */
  wb_run_step?: number | null;
}

/**
 * Identifies a running call. Pass it to `client.callEnd`.
 *
 * @example
 * ```ts
 * import { type CallHandle, init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const parent: CallHandle = client.callStart({ op_name: "ask" });
 * client.callEnd(client.callStart({ op_name: "search", parent_id: parent.id }));
 * client.callEnd(parent);
 * ```
 */
export interface CallHandle {
  /** ID of the call. */
  readonly id: string;
  /** ID of the call's trace. */
  readonly trace_id: string;
  /** Start time, exactly as recorded in the start: the server joins start and end by it. */
  readonly started_at: string;
}

/**
 * Fields of a call's end. Missing ones get default values.
 *
 * @example
 * ```ts
 * import { type CallEndInput, init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const call = client.callStart({ op_name: "ask" });
 * const end: CallEndInput = { ...call, output: "because", summary: { tokens: 3 } };
 * client.callEnd(end);
 * ```
 */
export interface CallEndInput extends CallHandle {
  /** End time, ISO 8601, UTC. Default: now. */
  ended_at?: string;
  /** The error, if the call failed. */
  exception?: string | null;
  /** The output. */
  output?: unknown;
  /** Numbers about the call, such as token usage. */
  summary?: AnyObject;
  /** Step of the W&B run at the end. */
  wb_run_step_end?: number | null;
}

/**
 * One change of a table.
 *
 * @example
 * ```ts
 * import type { TableChange } from "@weave-wal/client";
 *
 * const change: TableChange = { append: { row: { country: "Peru" } } };
 * if (!("append" in change)) throw new Error();
 * ```
 */
export type TableChange =
  | { append: { row: AnyObject } }
  | { pop: { index: number } }
  | { insert: { index: number; row: AnyObject } };

/**
 * Fields of a feedback item. Missing ones get default values.
 *
 * @example
 * ```ts
 * import { type FeedbackInput, init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const feedback: FeedbackInput = {
 *   weave_ref: "weave:///team/project/call/0190",
 *   feedback_type: "wandb.reaction.1",
 *   payload: { emoji: "👍" },
 * };
 * client.feedbackCreate(feedback);
 * ```
 */
export interface FeedbackInput {
  /** Ref of the object or call that the feedback is about. */
  weave_ref: string;
  /** Type of the feedback; `wandb.runnable.<name>` for a score. */
  feedback_type: string;
  /** Content of the feedback. */
  payload: AnyObject;
  /** ID of the feedback. Default: a new UUIDv7. */
  id?: string;
  /** Name of the person or program that created it. */
  creator?: string | null;
  /** Ref of the annotation that requested it. */
  annotation_ref?: string | null;
  /** Ref of the scorer that created it. */
  runnable_ref?: string | null;
  /** Ref of the scorer's call. */
  call_ref?: string | null;
  /** Ref of its trigger. */
  trigger_ref?: string | null;
}

/**
 * Fields of a feedback item that replaces another. Missing ones get default values.
 *
 * @example
 * ```ts
 * import { type FeedbackReplaceInput, init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const feedback: FeedbackReplaceInput = {
 *   feedback_id: "0190",
 *   weave_ref: "weave:///team/project/call/0190",
 *   feedback_type: "wandb.note.1",
 *   payload: { note: "Better now" },
 * };
 * client.feedbackReplace(feedback);
 * ```
 */
export interface FeedbackReplaceInput extends FeedbackInput {
  /** ID of the feedback item to replace. */
  feedback_id: string;
}
