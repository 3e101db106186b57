/**
 * A running call: the state that its end needs from its start.
 *
 * @module
 */

import type { WalEventName } from "../pipeline/status/events.ts";
import { checkDisplayName } from "../weave_client/check_writes.ts";
import type { Call } from "./call.ts";
import type { AttributeScope, CallContext, CallStackEntry } from "./call_stack.ts";
import { enterOwnCode, leaveOwnCode } from "./own_code.ts";
import type { StatusCounts } from "./status_counts.ts";
import type { ModelUsage } from "../integrations/usage.ts";
import type { OwnOpOptions } from "../op/op_types.ts";
import type { Summary } from "./summary.ts";
import type { Watcher } from "../results/watchers.ts";

/** Data about a call's end, other than its output. */
export interface Ending {
  /** JSON text of the output, if already available. */
  readonly text?: string;
  /** End time; now by default. */
  readonly endedAt?: string;
  /** Usage of the requests that it represents, if the output does not contain it. */
  readonly usage?: readonly ModelUsage[];
}

/** The recorder, as used by a call. Only `succeed` and `fail` may throw. */
export interface CallSink {
  /** Calls whose results are pending. */
  readonly unfinished: Set<Watcher>;
  /** Returns the JSON text of a value, with at most about `maxChars` characters. */
  encode(value: unknown, maxChars: number): string;
  /** Returns the current time, in the format of calls. */
  now(): string;
  /** Records that the call returned `output`. */
  succeed(call: TracedCall, output: unknown, ending?: Ending): void;
  /** Records that the call threw `error`. */
  fail(call: TracedCall, error: unknown, output?: unknown, ending?: Ending): void;
  /** Records a new display name. */
  rename(callId: string, displayName: string): void;
  /** Warns once that a user callback failed. */
  warnOnce(name: WalEventName, message: string, error: unknown): void;
}

/** A started call. Its end is recorded only once. */
export class TracedCall implements CallContext, CallStackEntry {
  childSummary: Summary = {};
  /** Status counts of the finished descendants; `undefined` while there are none. */
  childStatus: StatusCounts | undefined = undefined;
  /** Whether the end is recorded. */
  ended = false;
  /** JSON text of the requests, kept if the call will be shown. */
  startText: string | undefined;
  endText: string | undefined;

  constructor(
    readonly callId: string,
    readonly traceId: string,
    readonly parent: CallStackEntry | null,
    readonly attributes: AttributeScope | null,
    readonly startedAt: string,
    readonly options: OwnOpOptions,
    readonly sink: CallSink,
  ) {}

  /** The call is the context of the code inside it. */
  get call(): CallStackEntry {
    return this;
  }

  /** Calls of the same recorder become its children. */
  get owner(): object {
    return this.sink;
  }

  /** Records that the call returned `output`. Never throws. */
  succeed(output: unknown, ending?: Ending): void {
    if (this.ended) return;
    this.ended = true;
    const outer = enterOwnCode();
    try {
      this.sink.succeed(this, output, ending);
    } catch (error) {
      this.#notEnded(error);
    } finally {
      leaveOwnCode(outer);
    }
  }

  /** Records that the call threw `error`, with the output so far. Never throws. */
  fail(error: unknown, output?: unknown, ending?: Ending): void {
    if (this.ended) return;
    this.ended = true;
    const outer = enterOwnCode();
    try {
      this.sink.fail(this, error, output, ending);
    } catch (problem) {
      this.#notEnded(problem);
    } finally {
      leaveOwnCode(outer);
    }
  }

  /** The program must get its result or its error, not a problem of recording it. */
  #notEnded(problem: unknown): void {
    this.sink.warnOnce("call-not-ended", "Cannot record the end of a call", problem);
  }
}

const FIELDS = [
  "id",
  "project_id",
  "trace_id",
  "parent_id",
  "op_name",
  "display_name",
  "started_at",
  "ended_at",
  "attributes",
  "inputs",
  "output",
  "summary",
  "exception",
] as const;

/** Shows a call according to its records, even while it is running. */
export class LazyCall {
  readonly #call: TracedCall | null;
  #displayName: string | undefined;

  constructor(call: TracedCall | null) {
    this.#call = call;
    for (const field of FIELDS) {
      Object.defineProperty(this, field, { enumerable: true, get: () => this.#fields()[field] });
    }
  }

  /** Returns a call through its interface. */
  static of(call: TracedCall | null): Call {
    return new LazyCall(call) as LazyCall & Call;
  }

  // deno-lint-ignore require-await -- as the SDK has it
  async setDisplayName(displayName: string): Promise<void> {
    if (!this.#call) return;
    this.#displayName = checkDisplayName(this.#call.callId, displayName);
    this.#call.sink.rename(this.#call.callId, this.#displayName);
  }

  /** Returns the known fields. */
  toJSON(): Record<string, unknown> {
    return this.#fields();
  }

  #fields(): Record<string, unknown> {
    const { startText, endText } = this.#call ?? {};
    const fields: Record<string, unknown> = {
      ...(startText === undefined ? {} : JSON.parse(startText).start),
      ...(endText === undefined ? {} : JSON.parse(endText).end),
    };
    if (this.#displayName !== undefined) fields.display_name = this.#displayName;
    return fields;
  }
}
