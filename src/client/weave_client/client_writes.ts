/**
 * A typed method for each write: it writes a record and returns the expected response.
 *
 * @module
 */

import { updatedDigests } from "../objects/table_update.ts";
import type { ClientWritesOptions } from "./writes_options.ts";
import { otelRecordType, otelRequest, type OtelView } from "../../protocol/otlp/otel_request.ts";
import type { Cost } from "../../protocol/cost.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import { callText } from "../op/large_values.ts";
import { endRequest, startRequest } from "./call_requests.ts";
import { checkDisplayName, checkEnd, checkStart } from "./check_writes.ts";
import { callRefUri } from "../objects/object_ref.ts";
import type {
  AnyObject,
  CallEndInput,
  CallHandle,
  CallStartInput,
  FeedbackInput,
  FeedbackReplaceInput,
  TableChange,
} from "./inputs.ts";

/**
 * The writes of a client.
 *
 * @example
 * ```ts
 * import { init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const call = client.callStart({ op_name: "ask", inputs: { question: "why?" } });
 * client.callEnd({ ...call, output: "because" });
 * ```
 */
export class ClientWrites {
  /** `entity/project`. */
  readonly projectId: string;
  readonly #options: ClientWritesOptions;

  /** Not for users: use `init`. */
  constructor(options: ClientWritesOptions) {
    this.projectId = options.projectId;
    this.#options = options;
  }

  /**
   * Records the start of a call. `id`, `trace_id` and `started_at` are created if missing. Long
   * inputs become files, like those of ops.
   *
   * @param start Op name, inputs and other fields.
   * @returns The IDs and the start time, for `callEnd`.
   * @throws {WeaveWalError} `ERR_INVALID_OPTION` for an `op_name` of over 128 characters or a
   * `wb_run_step` that is not an integer.
   */
  callStart(start: CallStartInput): CallHandle {
    checkStart(start);
    const { handle, request } = startRequest(this.projectId, start, this.#options.ids);
    this.#write("call_start", request);
    return handle;
  }

  /**
   * Records the end of a call. `ended_at` is the current time if missing. A long output becomes a
   * file.
   *
   * @param end The handle from `callStart`, with output, summary and other fields.
   * @throws {WeaveWalError} `ERR_INVALID_OPTION` for a `summary` whose `usage` is not an object of
   * token counts by model.
   */
  callEnd(end: CallEndInput): void {
    checkEnd(end);
    this.#write("call_end", endRequest(this.projectId, end, this.#options.ids));
  }

  /**
   * Renames a call; `""` clears its name.
   *
   * @param callId ID of the call.
   * @param displayName Name to show instead of the op's name.
   * @throws {WeaveWalError} `ERR_INVALID_OPTION` for a name that is not a string.
   */
  callUpdate(callId: string, displayName: string): void {
    this.#write("call_update", {
      project_id: this.projectId,
      call_id: callId,
      display_name: checkDisplayName(callId, displayName),
    });
  }

  /**
   * Renames a call. Same as `callUpdate`, with the official SDK's name.
   *
   * @param callId ID of the call.
   * @param displayName Name to show instead of the op's name.
   */
  // deno-lint-ignore require-await -- as the SDK has it
  async updateCall(callId: string, displayName: string): Promise<void> {
    this.callUpdate(callId, displayName);
  }

  /**
   * Deletes calls and their descendants.
   *
   * @param callIds IDs of the calls.
   */
  callsDelete(callIds: readonly string[]): void {
    this.#write("calls_delete", { project_id: this.projectId, call_ids: callIds });
  }

  /**
   * Saves a value as a new version of an object, even if it is already saved.
   *
   * @param objectId ID of the object.
   * @param value Any JSON value.
   * @param options The server's class of the object, if it has one (default: none).
   * @returns The digest; `undefined` with `builtinObjectClass`, because the server rewrites such
   * values before hashing. Provisional for a value that refers to a project whose internal ID is
   * unknown.
   */
  objCreate(
    objectId: string,
    value: unknown,
    options: { builtinObjectClass?: string } = {},
  ): { digest: string | undefined } {
    const { builtinObjectClass } = options;
    return { digest: this.#options.publisher.createObject(objectId, value, builtinObjectClass) };
  }

  /**
   * Saves rows as a table, and returns the digests of the table and its rows.
   *
   * @param rows The rows.
   */
  tableCreate(rows: readonly AnyObject[]): { digest: string; row_digests: string[] } {
    const { digest, rowDigests } = this.#options.publisher.createTable(rows);
    return { digest, row_digests: rowDigests };
  }

  /**
   * Creates a table from another one, with rows added and removed.
   *
   * @param baseDigest Digest of the base table.
   * @param updates Rows to append, insert or remove, in this order.
   * @param baseRowDigests Row digests of the base table, if known.
   * @returns The new table's digest, if it can be known: only with `baseRowDigests`, and only if
   * every row's digest is known.
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
    const { publisher } = this.#options;
    const digestOf = (row: unknown) => publisher.rowDigest(row);
    return (baseRowDigests && updatedDigests(baseRowDigests, updates, digestOf)) ??
      { digest: undefined, row_digests: undefined };
  }

  /**
   * Creates a table from rows that the server already has or receives with earlier records.
   *
   * @param rowDigests Digests of the rows.
   * @returns The table's digest; provisional if that of a row is.
   */
  tableCreateFromDigests(rowDigests: readonly string[]): { digest: string } {
    return { digest: this.#options.publisher.createTableFromDigests(rowDigests) };
  }

  /**
   * Saves a file.
   *
   * @param name Name of the file.
   * @param content Its bytes, or text, which is saved as UTF-8.
   * @returns The digest of the content.
   */
  fileCreate(name: string, content: string | Uint8Array): { digest: string } {
    return { digest: this.#options.publisher.saveFile(name, content) };
  }

  /**
   * Records one or several feedback items. Missing IDs are created, so that resending does not
   * duplicate them.
   *
   * @param feedback The feedback item.
   * @returns Its ID.
   */
  feedbackCreate(feedback: FeedbackInput): { id: string };
  /**
   * Records several feedback items.
   *
   * @param feedback The feedback items.
   * @returns Their IDs.
   */
  feedbackCreate(feedback: readonly FeedbackInput[]): { id: string }[];
  feedbackCreate(
    feedback: FeedbackInput | readonly FeedbackInput[],
  ): { id: string } | { id: string }[] {
    if (Array.isArray(feedback)) return feedback.map((one) => this.feedbackCreate(one));
    const one = feedback as FeedbackInput;
    const id = one.id ?? this.#options.ids.uuidv7();
    this.#write("feedback_create", { ...one, id, project_id: this.projectId });
    return { id };
  }

  /**
   * Replaces a feedback item.
   *
   * @param feedback The new item, with the ID of the old one as `feedback_id`.
   * @returns The ID of the new item.
   */
  feedbackReplace(feedback: FeedbackReplaceInput): { id: string } {
    const id = feedback.id ?? this.#options.ids.uuidv7();
    this.#write("feedback_replace", { ...feedback, id, project_id: this.projectId });
    return { id };
  }

  /**
   * Records prices of models. Resending may duplicate them, because the server assigns the IDs.
   *
   * @param costs Prices by model name.
   */
  costCreate(costs: Readonly<Record<string, Cost>>): void {
    this.#write("cost_create", { project_id: this.projectId, costs });
  }

  /**
   * Records serialized OpenTelemetry spans. Secrets become asterisks; `redact` is not called.
   *
   * @param request A serialized `ExportTraceServiceRequest` of OTLP, preferably with one span: if
   * the server rejects one of several, all are dead-lettered.
   * @param view The view of Weave for the spans (default: `"traces"`).
   * @throws {WeaveWalError} `ERR_INVALID_OPTION` for other bytes.
   */
  spansCreate(request: Uint8Array, view: OtelView = "traces"): void {
    const spans = this.#options.publisher.redactedSpans(request);
    this.#options.append(otelRecordType(view), otelRequest(this.projectId, spans));
  }

  /**
   * Records a score of a call, as feedback on the call.
   *
   * @param predictCallId ID of the scored call.
   * @param scorerCallId ID of the scorer's own call.
   * @param runnableRefUri Ref of the scorer.
   * @param scorerOutput Return value of the scorer.
   * @returns The ID of the feedback.
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

  #write(type: RecordType, request: unknown): void {
    const { append, publisher } = this.#options;
    const text = publisher.requestText(request);
    append(type, isCall(type) ? callText(text, publisher.saveRedacted) : text);
  }
}

function isCall(type: RecordType): boolean {
  return type === "call_start" || type === "call_end";
}
