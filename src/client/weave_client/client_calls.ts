/**
 * The part of the client for integrations of the official SDK: the call stack, attributes, and
 * calls that are recorded step by step.
 *
 * @module
 */

import { assignData } from "../../protocol/json/object_facts.ts";
import { ClientReads } from "./client_reads.ts";
import type { ClientWritesOptions } from "./writes_options.ts";
import type { OpRef } from "../objects/object_ref.ts";
import type { CallRecorder } from "../calls/call_recorder.ts";
import type { RecorderOptions } from "../calls/recorder_options.ts";
import {
  type CallStackEntry,
  currentContext,
  runInContext,
  runWithAttributes,
} from "../calls/call_stack.ts";
import { CallStack, type PushedCall } from "../calls/call_stack_snapshot.ts";
import { nameInputs } from "../op/name_inputs.ts";
import { exceptionText } from "../calls/exception.ts";
import type { AnyFunction, OpFields, ParameterNamesOption } from "../op/op_types.ts";
import { opState } from "../op/op_state.ts";
import { countStatus, type StatusCounts } from "../calls/status_counts.ts";
import { finishSummary, type Summary } from "../calls/summary.ts";
import { UnsampledCall } from "../calls/unsampled_call.ts";
import type { ReadPipeline } from "./read_barrier.ts";
import type { ApiClient } from "../server/api_client.ts";

/**
 * The settings that the official SDK's client exposes.
 *
 * @example
 * ```ts
 * import { type ClientSettings, init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true, printCallLink: false });
 * const { printCallLink }: ClientSettings = client.settings;
 * if (printCallLink) throw new Error("Links are not printed");
 * ```
 */
export interface ClientSettings {
  /** Whether links to calls are printed. */
  readonly printCallLink: boolean;
  /** Same as `printCallLink`, with the official SDK's name. */
  readonly shouldPrintCallLink: boolean;
  /** Attributes of every call. */
  readonly globalAttributes: Readonly<Record<string, unknown>>;
  /** Same as `globalAttributes`, with the official SDK's name. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

/**
 * The program's representation of a call that is recorded step by step.
 *
 * @example
 * ```ts
 * import type { CallRecord } from "@weave-wal/client";
 *
 * const keep = (call: CallRecord) => call.updateWithCallSchemaData?.({ display_name: "kept" });
 * keep({ id: "0190" } as CallRecord);
 * ```
 */
export interface CallRecord {
  /**
   * Receives the recorded fields.
   *
   * @param fields Fields of the call, as recorded.
   */
  updateWithCallSchemaData?(fields: Record<string, unknown>): void;
}

/** Dependencies of {@linkcode ClientCalls}. */
export interface ClientCallsOptions extends RecorderOptions {
  readonly printCallLink: boolean;
  readonly globalAttributes: Readonly<Record<string, unknown>>;
}

/**
 * A client's writes, reads and calls.
 *
 * @example
 * ```ts
 * import { init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const attributes = client.runWithAttributes({ request: "r-1" }, () => client.getCurrentAttributes());
 * if (attributes === undefined) throw new Error();
 * ```
 */
export class ClientCalls extends ClientReads {
  /** Settings that apply to calls. They cannot be changed after `init`. */
  readonly settings: ClientSettings;
  readonly #options: ClientCallsOptions;
  readonly #recorder: CallRecorder | null;
  /** Start times of calls from `createCall`, with which the server joins start and end. */
  readonly #startedAt = new WeakMap<CallStackEntry, string>();

  /**
   * Not for users: use `init`.
   *
   * @param recorder Records the client's ops; `null` if the client is disabled.
   */
  constructor(
    writes: ClientWritesOptions,
    reader: ApiClient,
    pipeline: ReadPipeline,
    options: ClientCallsOptions,
    recorder: CallRecorder | null,
  ) {
    super(writes, reader, pipeline);
    const { printCallLink, globalAttributes } = options;
    this.settings = Object.freeze({
      printCallLink,
      shouldPrintCallLink: printCallLink,
      globalAttributes,
      attributes: globalAttributes,
    });
    this.#options = options;
    this.#recorder = recorder;
  }

  /** Returns the call stack of the running code, with calls of this client only. */
  getCallStack(): CallStack {
    const context = currentContext();
    const isOwn = context !== undefined && context.owner === this.#recorder;
    return new CallStack(isOwn ? context.call : null, this.#options.ids.uuidv7);
  }

  /** Adds a new call to the call stack of the running code. Records nothing. */
  pushNewCall(): PushedCall {
    return this.getCallStack().pushNewCall();
  }

  /**
   * Calls `fn`; calls inside it are children of the stack's innermost call.
   *
   * @param callStack A stack from `pushNewCall`.
   * @param fn Called once, synchronously.
   */
  runWithCallStack<T>(callStack: CallStack, fn: () => T): T {
    const { attributes = null, untraced } = currentContext() ?? {};
    if (untraced) return fn();
    return runInContext({ call: callStack.peek(), owner: this.#recorder, attributes }, fn);
  }

  /** Returns the attributes that `withAttributes` currently adds to calls. */
  getCurrentAttributes(): Record<string, unknown> {
    return assignData({}, currentContext()?.attributes?.values);
  }

  /**
   * Same as `withAttributes`.
   *
   * @param attributes Added to the calls' own attributes.
   * @param fn Called once, synchronously.
   */
  runWithAttributes<T>(attributes: Record<string, unknown>, fn: () => T): T {
    return runWithAttributes(attributes, fn);
  }

  /**
   * Records the start of a call, for code that is not an op.
   *
   * @param call Receives the recorded fields.
   * @param op The op, or its ref.
   * @param params The arguments.
   * @param parameterNames Names of the arguments.
   * @param thisArg The input `self`, recorded if it is an object.
   * @param currentCall The call, from `pushNewCall`.
   * @param parentCall The parent call.
   * @param startTime Start time.
   * @param displayName Display name, shown instead of the op's name.
   * @param attributes Added to those of the client and of `withAttributes`.
   */
  // deno-lint-ignore require-await -- as the SDK has it
  async createCall(
    call: CallRecord | null,
    op: OpRef | OpFields<AnyFunction>,
    params: readonly unknown[],
    parameterNames: ParameterNamesOption,
    thisArg: unknown,
    currentCall: CallStackEntry,
    parentCall: CallStackEntry | undefined,
    startTime: Date,
    displayName?: string,
    attributes?: Record<string, unknown>,
  ): Promise<void> {
    const { ids, saveOp, attributes: own, sampler } = this.#options;
    if (currentCall instanceof UnsampledCall) {
      sampler.sampledOut++;
      return;
    }
    const state = opState(op);
    const started_at = ids.timestamp(startTime.getTime());
    this.#startedAt.set(currentCall, started_at);
    const start = {
      id: currentCall.callId,
      trace_id: currentCall.traceId,
      op_name: state ? JSON.parse(saveOp(state)) : (op as OpRef).uri(),
      ...(parentCall === undefined ? {} : { parent_id: parentCall.callId }),
      started_at,
      ...(displayName === undefined ? {} : { display_name: displayName }),
      attributes: assignData(assignData({ ...own }, this.getCurrentAttributes()), attributes),
      inputs: nameInputs(thisArg, params, parameterNames),
    };
    this.callStart(start);
    call?.updateWithCallSchemaData?.({ project_id: this.projectId, ...start });
  }

  /**
   * Records that a call from `createCall` has returned.
   *
   * @param call Receives the recorded fields.
   * @param result The return value.
   * @param currentCall The call.
   * @param parentCall The parent call; the summary is added to that of its children.
   * @param summarize Returns the call's summary from the result.
   * @param endTime End time.
   * @param startCallPromise Awaited first, if given.
   */
  async finishCall(
    call: CallRecord | null,
    result: unknown,
    currentCall: CallStackEntry,
    parentCall: CallStackEntry | undefined,
    summarize: ((result: never) => Summary) | undefined,
    endTime: Date,
    startCallPromise?: Promise<void>,
  ): Promise<void> {
    const own = result == null ? undefined : summarize?.(result as never);
    await this.#finish(call, currentCall, parentCall, own, endTime, startCallPromise, {
      output: result,
    });
  }

  /**
   * Records that a call from `createCall` has thrown `error`. Otherwise the same as `finishCall`.
   *
   * @param call Receives the recorded fields.
   * @param error The error.
   * @param currentCall The call.
   * @param parentCall The parent call.
   * @param endTime End time.
   * @param startCallPromise Awaited first, if given.
   */
  async finishCallWithException(
    call: CallRecord | null,
    error: unknown,
    currentCall: CallStackEntry,
    parentCall: CallStackEntry | undefined,
    endTime: Date,
    startCallPromise?: Promise<void>,
  ): Promise<void> {
    await this.#finish(call, currentCall, parentCall, undefined, endTime, startCallPromise, {
      exception: exceptionText(error, this.#options.redactor),
      output: null,
    });
  }

  async #finish(
    call: CallRecord | null,
    currentCall: CallStackEntry,
    parentCall: CallStackEntry | undefined,
    own: Summary | undefined,
    endTime: Date,
    startCallPromise: Promise<void> | undefined,
    ending: { output: unknown; exception?: string },
  ): Promise<void> {
    if (currentCall instanceof UnsampledCall) return;
    // Before any await, because parents include the summaries of their children.
    const parent = parentCall ?? null;
    const report = (problem: string) =>
      this.#options.logger.once("warn", "invalid-summary", `Left out of a summary: ${problem}`);
    const summary = finishSummary(own, currentCall, parent, report);
    const { childStatus } = currentCall as { childStatus?: StatusCounts };
    const counts = countStatus({ parent, childStatus }, ending.exception ? "error" : "success");
    await startCallPromise;
    const end = {
      id: currentCall.callId,
      trace_id: currentCall.traceId,
      started_at: this.#startedAt.get(currentCall) as string,
      ended_at: this.#options.ids.timestamp(endTime.getTime()),
      ...ending,
      summary: { ...summary, status_counts: counts },
    };
    this.callEnd(end);
    call?.updateWithCallSchemaData?.(end);
  }
}
