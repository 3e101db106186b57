/**
 * Makes the records of traced calls. Every call pays for what is in here, so the text of a request
 * is put together from parts of which all that can be is made once.
 *
 * @module
 */

import type { Ids } from "../../protocol/ids.ts";
import type { AttributeScope } from "./call_stack.ts";
import { currentContext } from "./call_stack.ts";
import { clipDisplayName } from "./call.ts";
import type { Logger } from "../logger.ts";
import type { OpState, ParameterNamesOption } from "./op_types.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { describeError } from "./describe_error.ts";
import { exceptionText } from "./exception.ts";
import { countStatus, statusText } from "./status_counts.ts";
import { finishSummary, type Summary } from "./summary.ts";
import { type CallEnder, TracedCall } from "./traced_call.ts";

/** What a recorder is made from. */
export interface RecorderParts {
  /** `entity/project`. */
  readonly projectId: string;
  readonly append: Pipeline["append"];
  readonly ids: Ids;
  /** JSON text of a value, what it refers to being saved first. Never throws. */
  readonly toText: (value: unknown) => string;
  /** Saves an op and gives the JSON text of its ref. */
  readonly saveOp: (state: OpState) => string;
  /** Attributes of every call. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Told of every call without a parent. */
  readonly onRootCall: ((callId: string) => void) | undefined;
  readonly logger: Logger;
}

/** Records starts and ends of calls. */
export class CallRecorder implements CallEnder {
  readonly #parts: RecorderParts;
  readonly #startHead: string;
  readonly #endHead: string;
  readonly #attributesText: string;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    const project = `"project_id":${JSON.stringify(parts.projectId)},"id":"`;
    this.#startHead = `{"start":{${project}`;
    this.#endHead = `{"end":{${project}`;
    this.#attributesText = parts.toText(parts.attributes);
  }

  /**
   * Records that a call begins.
   *
   * @param self What is recorded as the input `self`, if it is an object.
   * @param keep Whether the call is to be shown later.
   * @returns `null` when the call cannot be traced. Never throws.
   */
  start(
    state: OpState,
    self: unknown,
    params: readonly unknown[],
    keep: boolean,
  ): TracedCall | null {
    const parts = this.#parts;
    try {
      const opText = state.savedBy === this ? state.savedText : this.#saveOp(state);
      const { options } = state;
      const context = currentContext();
      const parent = context?.owner === this ? context.call : null;
      const attributes = context?.attributes ?? null;
      const callId = parts.ids.uuidv7();
      const traceId = parent === null ? parts.ids.uuidv7() : parent.traceId;
      const startedAt = parts.ids.timestamp();
      const inputs = parts.toText(nameInputs(self, params, options.parameterNames));
      let text = this.#startHead + callId + '","trace_id":"' + traceId + '","op_name":' + opText +
        ',"started_at":"' + startedAt;
      text += parent === null ? '"' : '","parent_id":"' + parent.callId + '"';
      if (options.callDisplayName) text += this.#displayName(state, params);
      text += ',"attributes":' + this.#attributes(attributes, options.attributes) + ',"inputs":' +
        inputs + "}}";
      const call = new TracedCall(
        callId,
        traceId,
        parent,
        attributes,
        startedAt,
        options.summarize,
        this,
      );
      parts.append("call_start", text);
      if (keep) call.startText = text;
      if (parent === null && parts.onRootCall !== undefined) parts.onRootCall(callId);
      return call;
    } catch (error) {
      this.complain("call-not-traced", `Cannot trace a call of ${state.name}`, error);
      return null;
    }
  }

  succeed(call: TracedCall, output: unknown): void {
    let own: Summary | undefined;
    if (call.summarize !== undefined && output != null) {
      try {
        const said: unknown = call.summarize(output as never);
        if (typeof said === "object" && said !== null) own = said as Summary;
      } catch (error) {
        this.complain("summarize-failed", "Cannot summarize a call", error);
      }
    }
    this.#end(call, "", output, own);
  }

  fail(call: TracedCall, error: unknown, output: unknown = null): void {
    this.#end(call, ',"exception":' + quote(exceptionText(error)), output, undefined);
  }

  rename(callId: string, displayName: string): void {
    const request = {
      project_id: this.#parts.projectId,
      call_id: callId,
      display_name: displayName,
    };
    this.#parts.append("call_update", JSON.stringify(request));
  }

  #end(call: TracedCall, exception: string, output: unknown, own: Summary | undefined): void {
    const parts = this.#parts;
    try {
      const summary = finishSummary(own, call, call.parent);
      const counts = countStatus(call, exception === "" ? "success" : "error");
      const endedAt = parts.ids.timestamp();
      const text = this.#endHead + call.callId + '","trace_id":"' + call.traceId +
        '","started_at":"' + call.startedAt + '","ended_at":"' +
        // A clock that was set back must not end a call before its start.
        (endedAt < call.startedAt ? call.startedAt : endedAt) + '"' + exception + ',"output":' +
        parts.toText(output === undefined ? null : output) + ',"summary":' +
        (isEmpty(summary)
          ? statusText(counts)
          : parts.toText({ ...summary, status_counts: counts })) +
        "}}";
      parts.append("call_end", text);
      if (call.startText !== undefined) call.endText = text;
    } catch (error) {
      this.complain("call-not-ended", "Cannot record the end of a call", error);
    }
  }

  #saveOp(state: OpState): string {
    state.savedText = this.#parts.saveOp(state);
    state.savedBy = this;
    return state.savedText;
  }

  #displayName(state: OpState, params: readonly unknown[]): string {
    try {
      const name = state.options.callDisplayName?.(...(params as never[]));
      return typeof name === "string" ? ',"display_name":' + quote(clipDisplayName(name)) : "";
    } catch (error) {
      this.complain("display-name-failed", `Cannot name a call of ${state.name}`, error);
      return "";
    }
  }

  #attributes(
    scope: AttributeScope | null,
    own: Readonly<Record<string, unknown>> | undefined,
  ): string {
    if (own !== undefined) {
      return this.#parts.toText({ ...this.#parts.attributes, ...scope?.values, ...own });
    }
    if (scope === null) return this.#attributesText;
    if (scope.text === undefined || scope.textBy !== this) {
      scope.text = this.#parts.toText({ ...this.#parts.attributes, ...scope.values });
      scope.textBy = this;
    }
    return scope.text;
  }

  complain(name: string, message: string, error: unknown): void {
    this.#parts.logger.once("warn", name, `${message}: ${describeError(error)}`);
  }
}

/** The names under which a call's arguments are recorded. */
export function nameInputs(
  self: unknown,
  params: readonly unknown[],
  names: ParameterNamesOption,
): Record<string, unknown> {
  const inputs: Record<string, unknown> = {};
  if (typeof self === "object" && self !== null && !Array.isArray(self)) inputs.self = self;
  if (names === "useParam0Object") {
    return { ...inputs, ...(params[0] as Record<string, unknown> | undefined) };
  }
  for (let i = 0; i < params.length; i++) inputs[names?.[i] ?? `arg${i}`] = params[i];
  return inputs;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
