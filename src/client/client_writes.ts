/**
 * A typed method for every write. Each makes one record; what the server would answer with, as far
 * as it can be known, is returned at once.
 *
 * @module
 */

import { tableDigest } from "../weave/digest.ts";
import type { Ids } from "../weave/ids.ts";
import type { Cost } from "../weave/requests.ts";
import type { RecordType } from "../weave/record_types.ts";
import { clipDisplayName } from "./call.ts";
import { callRefUri } from "./object_ref.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Publisher } from "./publisher.ts";

/** A value of any kind; what JSON cannot hold is mapped as `src/weave/values.ts` says. */
export type AnyObject = Record<string, unknown>;

/** What a call's start may say; the rest is filled in. */
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
  /** What people see instead of the op's name. */
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

/** Names a running call; give it to {@linkcode ClientWrites.callEnd}. */
export interface CallHandle {
  /** The call's id. */
  readonly id: string;
  /** The id of the call's trace. */
  readonly trace_id: string;
  /** The very text of the start: the server joins the two by it. */
  readonly started_at: string;
}

/** What a call's end may say; the rest is filled in. */
export interface CallEndInput extends CallHandle {
  /** ISO 8601, UTC; now unless given. */
  ended_at?: string;
  /** What went wrong, if the call failed. */
  exception?: string | null;
  /** What the call returned. */
  output?: unknown;
  /** Numbers about the call, such as token usage. */
  summary?: AnyObject;
  /** The W&B run's step at the end. */
  wb_run_step_end?: number | null;
}

/** One change of a table. */
export type TableChange =
  | { append: { row: AnyObject } }
  | { pop: { index: number } }
  | { insert: { index: number; row: AnyObject } };

/** What a feedback may say; the rest is filled in. */
export interface FeedbackInput {
  /** Ref of what the feedback is on. */
  weave_ref: string;
  /** Its kind; `wandb.runnable.<name>` for a score. */
  feedback_type: string;
  /** What it says. */
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

/** What a replacing feedback may say; the rest is filled in. */
export interface FeedbackReplaceInput extends FeedbackInput {
  /** Id of the feedback that this one takes the place of. */
  feedback_id: string;
}

/** What the writes need. */
export interface WriteParts {
  readonly projectId: string;
  readonly ids: Ids;
  readonly append: Pipeline["append"];
  readonly publisher: Publisher;
}

/** The writes of a client. */
export class ClientWrites {
  /** `entity/project`. */
  readonly projectId: string;
  readonly #parts: WriteParts;

  /** Not for users: `init` makes clients. */
  constructor(parts: WriteParts) {
    this.projectId = parts.projectId;
    this.#parts = parts;
  }

  /** Records that a call begins. `id`, `trace_id` and `started_at` are made unless given. */
  callStart(start: CallStartInput): CallHandle {
    const { ids } = this.#parts;
    const { id, trace_id, op_name, started_at, attributes, inputs, ...rest } = start;
    const handle: CallHandle = {
      id: id ?? ids.uuidv7(),
      trace_id: trace_id ?? ids.uuidv7(),
      started_at: started_at ?? ids.timestamp(),
    };
    this.#write("call_start", {
      start: {
        project_id: this.projectId,
        id: handle.id,
        trace_id: handle.trace_id,
        op_name,
        started_at: handle.started_at,
        ...rest,
        attributes: attributes ?? {},
        inputs: inputs ?? {},
      },
    });
    return handle;
  }

  /** Records that a call ended. `ended_at` is now unless given. */
  callEnd(end: CallEndInput): void {
    const { id, trace_id, started_at, ended_at, exception, output, summary, ...rest } = end;
    this.#write("call_end", {
      end: {
        project_id: this.projectId,
        id,
        trace_id,
        started_at,
        ended_at: ended_at ?? this.#parts.ids.timestamp(),
        ...(exception === undefined ? {} : { exception }),
        output: output === undefined ? null : output,
        summary: summary ?? {},
        ...rest,
      },
    });
  }

  /** Renames a call; `""` clears its name. */
  callUpdate(callId: string, displayName: string | null): void {
    this.#write("call_update", {
      project_id: this.projectId,
      call_id: callId,
      display_name: displayName === null ? null : clipDisplayName(displayName),
    });
  }

  /** Renames a call, under the official SDK's name. */
  // deno-lint-ignore require-await -- as the SDK has it
  async updateCall(callId: string, displayName: string): Promise<void> {
    this.callUpdate(callId, displayName);
  }

  /** Deletes calls, and with them what they called. */
  callsDelete(callIds: readonly string[]): void {
    this.#write("calls_delete", { project_id: this.projectId, call_ids: callIds });
  }

  /**
   * Saves a value as a version of an object, without looking whether it is saved already.
   *
   * @returns The digest; `undefined` with `builtinObjectClass`, by which the server rewrites the
   *   value before it digests it. Provisional for a value that refers to a project whose internal
   *   id is not known.
   */
  objCreate(
    objectId: string,
    value: unknown,
    options: { builtinObjectClass?: string } = {},
  ): { digest: string | undefined } {
    const { publisher } = this.#parts;
    const { builtinObjectClass } = options;
    return { digest: publisher.createObject(objectId, value, builtinObjectClass) };
  }

  /** Saves rows as a table and gives the digests of the table and of its rows. */
  tableCreate(rows: readonly AnyObject[]): { digest: string; row_digests: string[] } {
    const { digest, rowDigests } = this.#parts.publisher.createTable(rows);
    return { digest, row_digests: rowDigests };
  }

  /**
   * Makes a table of another with rows added and taken out.
   *
   * @param baseRowDigests The row digests of the base table, where they are known.
   * @returns The new table's digest, as far as it can be known: only with `baseRowDigests`.
   */
  tableUpdate(
    baseDigest: string,
    updates: readonly TableChange[],
    baseRowDigests?: readonly string[],
  ): { digest: string | undefined; row_digests: string[] | undefined } {
    this.#write("table_update", {
      project_id: this.projectId,
      base_digest: baseDigest,
      updates,
    });
    if (!baseRowDigests) return { digest: undefined, row_digests: undefined };
    const digests = [...baseRowDigests];
    for (const update of updates) {
      if ("append" in update) digests.push(this.#rowDigest(update.append.row));
      else if ("pop" in update) digests.splice(update.pop.index, 1);
      else digests.splice(update.insert.index, 0, this.#rowDigest(update.insert.row));
    }
    return { digest: tableDigest(digests), row_digests: digests };
  }

  /** Makes a table of rows that the server has already. */
  tableCreateFromDigests(rowDigests: readonly string[]): { digest: string } {
    this.#write("table_create_from_digests", {
      project_id: this.projectId,
      row_digests: rowDigests,
    });
    return { digest: tableDigest(rowDigests) };
  }

  /** Saves a file. */
  fileCreate(name: string, content: string | Uint8Array): { digest: string } {
    return { digest: this.#parts.publisher.saveFile(name, content) };
  }

  /** Records feedback, one or many. Ids are made unless given, so a replay does not double it. */
  feedbackCreate(feedback: FeedbackInput): { id: string };
  /** Records many feedbacks. */
  feedbackCreate(feedback: readonly FeedbackInput[]): { id: string }[];
  feedbackCreate(
    feedback: FeedbackInput | readonly FeedbackInput[],
  ): { id: string } | { id: string }[] {
    if (Array.isArray(feedback)) return feedback.map((one) => this.feedbackCreate(one));
    const one = feedback as FeedbackInput;
    const id = one.id ?? this.#parts.ids.uuidv7();
    this.#write("feedback_create", { ...one, id, project_id: this.projectId });
    return { id };
  }

  /** Puts a feedback in the place of another. */
  feedbackReplace(feedback: FeedbackReplaceInput): { id: string } {
    const id = feedback.id ?? this.#parts.ids.uuidv7();
    this.#write("feedback_replace", { ...feedback, id, project_id: this.projectId });
    return { id };
  }

  /** Records what models cost, by model name. A replay may double it: the server gives the ids. */
  costCreate(costs: Readonly<Record<string, Cost>>): void {
    this.#write("cost_create", { project_id: this.projectId, costs });
  }

  /**
   * Records what a scorer says of a call, as feedback on the call.
   *
   * @param predictCallId The call that is scored.
   * @param scorerCallId The scorer's own call.
   * @param runnableRefUri Ref of the scorer.
   * @param scorerOutput What the scorer returned.
   * @returns The feedback's id.
   */
  // deno-lint-ignore require-await -- as the SDK has it
  async addScore(
    predictCallId: string,
    scorerCallId: string,
    runnableRefUri: string,
    scorerOutput: unknown,
  ): Promise<string> {
    const name = runnableRefUri.split("/").pop()?.split(":")[0] || "unknown";
    return this.feedbackCreate({
      weave_ref: callRefUri(this.projectId, predictCallId),
      feedback_type: `wandb.runnable.${name}`,
      payload: { output: scorerOutput === undefined ? null : scorerOutput },
      runnable_ref: runnableRefUri,
      call_ref: callRefUri(this.projectId, scorerCallId),
    }).id;
  }

  #rowDigest(row: unknown): string {
    return this.#parts.publisher.rowDigest(row);
  }

  #write(type: RecordType, request: unknown): void {
    this.#parts.append(type, this.#parts.publisher.toText(request));
  }
}
