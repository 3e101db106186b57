/**
 * Creates the records of traced calls. This code runs for every call, so the text of a request
 * consists of parts that are mostly built once.
 *
 * @module
 */

import { assignData } from "../../protocol/json/object_facts.ts";
import { ignoreRejection } from "../../protocol/json/promises.ts";
import { MAX_CALL_VALUE_CHARS } from "../../protocol/json/size_limits.ts";
import { isPlainData } from "../../protocol/json/stringify.ts";
import { jsonString } from "../../protocol/json/well_formed.ts";
import type { AttributeScope } from "./call_stack.ts";
import { currentContext } from "./call_stack.ts";
import { enterOwnCode, leaveOwnCode } from "./own_code.ts";
import { clipDisplayName } from "./call.ts";
import type { WalEventName } from "../pipeline/status/events.ts";
import type { RecorderOptions } from "./recorder_options.ts";
import { nameInputs } from "../op/name_inputs.ts";
import type { OpState } from "../op/op_state.ts";
import { countUsage, findUsage, type ModelUsage } from "../integrations/usage.ts";
import { describeError } from "./describe_error.ts";
import { exceptionText } from "./exception.ts";
import { inputsText, outputText } from "../op/large_values.ts";
import { idProblem, nameProblem } from "../op/op_name.ts";
import { show } from "../settings/invalid_option.ts";
import { countStatus, statusText } from "./status_counts.ts";
import { finishSummary, isPlain, type Summary, validSummary } from "./summary.ts";
import { type CallSink, type Ending, TracedCall } from "./traced_call.ts";
import { UnsampledCall } from "./unsampled_call.ts";
import type { Watcher } from "../results/watchers.ts";

/** Records starts and ends of calls. */
export class CallRecorder implements CallSink {
  readonly unfinished: Set<Watcher> = new Set();
  readonly #options: RecorderOptions;
  readonly #startHead: string;
  readonly #endHead: string;
  readonly #attributesText: string;

  constructor(options: RecorderOptions) {
    this.#options = options;
    const project = `"project_id":${JSON.stringify(options.projectId)},"id":"`;
    this.#startHead = `{"start":{${project}`;
    this.#endHead = `{"end":{${project}`;
    this.#attributesText = this.#attributesToText(options.attributes);
  }

  /**
   * Records the start of a call.
   *
   * @param self The input `self`, recorded if it is an object.
   * @param keep Whether the call will be shown later.
   * @returns `null` if the call cannot be traced. Never throws.
   */
  start(
    state: OpState,
    self: unknown,
    params: readonly unknown[],
    keep: boolean,
  ): TracedCall | null {
    const own = this.#options;
    const outer = enterOwnCode();
    try {
      const { options } = state;
      const context = currentContext();
      let parent = context?.owner === this ? context.call : null;
      const attributes = context?.attributes ?? null;
      const { ids } = own;
      const now = ids.now();
      const callId = ids.uuidv7(now);
      if (parent instanceof UnsampledCall) {
        if (!options.alwaysRecorded) return this.#unsampled(parent.child(callId, attributes));
        parent = null;
      }
      const traceId = parent === null ? ids.uuidv7(now) : parent.traceId;
      if (
        parent === null && !options.alwaysRecorded &&
        !own.sampler.records(traceId, state.name, attributes?.values)
      ) return this.#unsampled(new UnsampledCall(callId, traceId, attributes, this));
      const opText = state.savedBy === this ? state.savedText : this.#saveOp(state);
      const startedAt = ids.timestamp(now);
      const named = nameInputs(self, params, options.parameterNames);
      const inputs = inputsText(
        own.toText(named, MAX_CALL_VALUE_CHARS, "inputs"),
        own.saveText,
      );
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
        options,
        this,
      );
      own.append("call_start", text);
      if (keep) call.startText = text;
      if (parent === null && own.onRootCall !== undefined) own.onRootCall(callId);
      return call;
    } catch (error) {
      this.warnOnce("call-not-traced", `Cannot trace a call of ${state.name}`, error);
      return null;
    } finally {
      leaveOwnCode(outer);
    }
  }

  #unsampled(call: UnsampledCall): UnsampledCall {
    this.#options.sampler.sampledOut++;
    return call;
  }

  encode(value: unknown, maxChars: number): string {
    return this.#options.toText(value, maxChars, "output");
  }

  now(): string {
    return this.#options.ids.timestamp();
  }
  succeed(call: TracedCall, output: unknown, ending?: Ending): void {
    const usage = ending?.usage ?? findUsage(output);
    let own = output == null ? undefined : this.#summarize(call, output);
    // The user's own summary takes precedence; the usage is marked as counted in either case.
    if (usage.length > 0) own = this.#addUsage(own, usage);
    this.#end(call, "", ending?.text ?? this.#outputText(call, output), own, ending?.endedAt);
  }

  fail(call: TracedCall, error: unknown, output: unknown = null, ending?: Ending): void {
    const exception = ',"exception":' + jsonString(exceptionText(error, this.#options.redactor));
    const usage = ending?.usage ?? findUsage(output);
    const own = usage.length > 0 ? this.#addUsage(undefined, usage) : undefined;
    this.#end(call, exception, ending?.text ?? this.#outputText(call, output), own);
  }

  #addUsage(own: Summary | undefined, found: readonly ModelUsage[]): Summary | undefined {
    const usage = countUsage(found);
    return usage === undefined || (own !== undefined && "usage" in own) ? own : { ...own, usage };
  }

  /** Prints the progress of a long operation, if standard error is a terminal. */
  showProgress(line: string): void {
    const { logger } = this.#options;
    if (logger.isWatched) logger.print(line);
  }

  /** Ends calls whose results are still pending, with the output so far. */
  endUnfinished(): void {
    for (const watcher of this.unfinished) watcher.abandon();
  }

  #outputText(call: TracedCall, output: unknown): string {
    const { toOutput } = call.options;
    const recorded = toOutput === undefined ? output : toOutput(output);
    return this.#options.toText(recorded, MAX_CALL_VALUE_CHARS, "output");
  }

  #summarize(call: TracedCall, output: unknown): Summary | undefined {
    const { options } = call;
    if (options.summarize === undefined) return undefined;
    try {
      const summary: unknown = options.summarize(output as never);
      if (summary == null) return undefined;
      const plain: unknown = isPlainData(summary)
        ? summary
        : JSON.parse(this.#options.toText(summary));
      if (isPlain(plain)) return plain;
      ignoreRejection(summary);
      throw new TypeError(`summarize returned ${show(summary)}, not a plain object`);
    } catch (error) {
      this.warnOnce("summarize-failed", "Cannot summarize a call", error);
      return undefined;
    }
  }

  rename(callId: string, displayName: string): void {
    const request = {
      project_id: this.#options.projectId,
      call_id: callId,
      display_name: this.#options.redactor.text(displayName, "display_name"),
    };
    this.#options.append("call_update", this.#options.toText(request));
  }

  #end(
    call: TracedCall,
    exception: string,
    output: string,
    own: Summary | undefined,
    endedAt: string = this.#options.ids.timestamp(),
  ): void {
    const { saveText, toText, append } = this.#options;
    const summary = this.#redacted(this.#finishSummary(own, call));
    const counts = countStatus(call, exception === "" ? "success" : "error");
    const text = this.#endHead + call.callId + '","trace_id":"' + call.traceId +
      '","started_at":"' + call.startedAt + '","ended_at":"' +
      // If the clock was set back, do not end a call before its start.
      (endedAt < call.startedAt ? call.startedAt : endedAt) + '"' + exception + ',"output":' +
      outputText(output, saveText) + ',"summary":' +
      (isEmpty(summary) ? statusText(counts) : toText({ ...summary, status_counts: counts })) +
      "}}";
    append("call_end", text);
    if (call.startText !== undefined) call.endText = text;
  }

  /**
   * Applies the program's own `redact` to a summary, which contains what code in the call and its
   * children added to it.
   */
  #redacted(summary: Summary): Summary {
    if (!this.#options.redactor.hasOwn || isEmpty(summary)) return summary;
    const redacted: unknown = JSON.parse(this.#options.toText(summary, undefined, "summary"));
    return validSummary(redacted as Summary, this.#reportInvalid);
  }

  readonly #reportInvalid = (problem: string): void =>
    this.warn("invalid-summary", `Left out of a call's summary: ${problem}`);

  #finishSummary(own: Summary | undefined, call: TracedCall): Summary {
    try {
      return finishSummary(own, call, call.parent, this.#reportInvalid);
    } catch (error) {
      // Code in the call may have put this into the summary of its children.
      this.warnOnce("summary-failed", "Cannot summarize a call", error);
      return {};
    }
  }

  #saveOp(state: OpState): string {
    const { name, options, original } = state;
    state.savedText = this.#options.saveOp(state);
    state.savedBy = this;
    const guessed = options.name ? undefined : nameProblem(name, original);
    if (guessed !== undefined) this.warn("op-name", guessed);
    const refused = idProblem(name);
    if (refused !== undefined) this.warn("op-id", refused, `op-id ${name}`);
    return state.savedText;
  }

  #displayName(state: OpState, params: readonly unknown[]): string {
    try {
      const name = state.options.callDisplayName?.(...(params as never[]));
      if (typeof name === "string") {
        const text = this.#options.redactor.text(name, "display_name");
        return ',"display_name":' + jsonString(clipDisplayName(text));
      }
      ignoreRejection(name);
      return "";
    } catch (error) {
      this.warnOnce("display-name-failed", `Cannot name a call of ${state.name}`, error);
      return "";
    }
  }

  #attributes(
    scope: AttributeScope | null,
    own: Readonly<Record<string, unknown>> | undefined,
  ): string {
    if (own !== undefined) {
      const attributes = assignData({ ...this.#options.attributes }, scope?.values);
      return this.#attributesToText(assignData(attributes, own));
    }
    if (scope === null) return this.#attributesText;
    if (scope.text === undefined || scope.textBy !== this) {
      scope.text = this.#attributesToText(
        assignData({ ...this.#options.attributes }, scope.values),
      );
      scope.textBy = this;
    }
    return scope.text;
  }

  #attributesToText(attributes: Record<string, unknown>): string {
    return this.#options.toText(attributes, undefined, "attributes");
  }

  warnOnce(name: WalEventName, message: string, error: unknown): void {
    this.warn(name, `${message}: ${describeError(error)}`);
  }

  /** Logs a message, once for each `key`; by default once for each event name. */
  warn(name: WalEventName, message: string, key?: string): void {
    this.#options.logger.once("warn", name, message, key);
  }
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
