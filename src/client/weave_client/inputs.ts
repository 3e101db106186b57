/**
 * Inputs of a client's writes.
 *
 * @module
 */

/**
 * A value of any kind; what JSON cannot hold is mapped as `src/protocol/json/stringify.ts` says.
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
 * Fields of a call's start; missing ones are filled in.
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
  /** Ref of the op, or its bare name. */
  op_name: string;
  /** The call's id; a new UUIDv7 unless given. */
  id?: string;
  /** The id of the call's trace; a new one unless given. */
  trace_id?: string;
  /** Id of the call that made this one. */
  parent_id?: string | null;
  /** ISO 8601, UTC; now unless given. */
  started_at?: string;
  /** Display name instead of the op's name. */
  display_name?: string | null;
  /** The conversation that the call belongs to. */
  thread_id?: string | null;
  /** The turn of the conversation. */
  turn_id?: string | null;
  /** Custom attributes. */
  attributes?: AnyObject;
  /** The call's arguments by name. */
  inputs?: AnyObject;
  /** The span that the call was made from, if any. */
  otel_dump?: AnyObject | null;
  /** The W&B run that the call belongs to. */
  wb_run_id?: string | null;
  /** The run's step at the start. */
  wb_run_step?: number | null;
}

/**
 * Names a running call; give it to `client.callEnd`.
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
  /** The call's id. */
  readonly id: string;
  /** The id of the call's trace. */
  readonly trace_id: string;
  /** The very text of the start: the server joins the two by it. */
  readonly started_at: string;
}

/**
 * Fields of a call's end; missing ones are filled in.
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
  /** ISO 8601, UTC; now unless given. */
  ended_at?: string;
  /** The error, if the call failed. */
  exception?: string | null;
  /** The call's output. */
  output?: unknown;
  /** Numbers about the call, such as token usage. */
  summary?: AnyObject;
  /** The W&B run's step at the end. */
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
 * Fields of a feedback; missing ones are filled in.
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
  /** Ref of what the feedback is on. */
  weave_ref: string;
  /** Its kind; `wandb.runnable.<name>` for a score. */
  feedback_type: string;
  /** Contents of the feedback. */
  payload: AnyObject;
  /** Its id; a new UUIDv7 unless given. */
  id?: string;
  /** Who gave it. */
  creator?: string | null;
  /** Ref of the annotation that asked for it. */
  annotation_ref?: string | null;
  /** Ref of the scorer that made it. */
  runnable_ref?: string | null;
  /** Ref of the scorer's call. */
  call_ref?: string | null;
  /** Ref of what triggered it. */
  trigger_ref?: string | null;
}

/**
 * Fields of a replacing feedback; missing ones are filled in.
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
  /** Id of the feedback that this one takes the place of. */
  feedback_id: string;
}
