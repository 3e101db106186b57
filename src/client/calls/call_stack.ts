/**
 * Which call the running code belongs to, carried along by `AsyncLocalStorage`.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { assignData } from "../../protocol/json/object_facts.ts";
import { shared } from "../../runtime/process/shared_state.ts";

/**
 * The running call, as seen by the code that belongs to it.
 *
 * @example
 * ```ts
 * import { type CallStackEntry, finish, init, op } from "@weave-wal/client";
 * import { requireCurrentCallStackEntry } from "@weave-wal/client";
 *
 * await init("team/project", { disabled: true }); // `wal: true` in a program
 * const entry = op(function entry(): CallStackEntry {
 *   return requireCurrentCallStackEntry();
 * });
 * if (typeof entry().traceId !== "string") throw new Error();
 * await finish();
 * ```
 */
export interface CallStackEntry {
  /** The call's id. */
  readonly callId: string;
  /** The id of the call's trace. */
  readonly traceId: string;
  /** Sum of the summaries of the finished children; entries that are put in here are added too. */
  childSummary: Record<string, unknown>;
}

/** Custom attributes of the calls made in a stretch of code. */
export interface AttributeScope {
  readonly values: Readonly<Record<string, unknown>>;
  /** JSON text of all attributes of such a call, and who made the text. */
  text?: string;
  textBy?: object;
}

/** Contents of the storage: the running call and the attributes of future calls. */
export interface CallContext {
  readonly call: CallStackEntry | null;
  /** The recorder of the running call; a call of another client is not used as a parent. */
  readonly owner: object | null;
  readonly attributes: AttributeScope | null;
  /** Whether ops are plain function calls here. */
  readonly untraced?: boolean;
}

// One storage for all clients and all copies of the package: each further one would cost every
// promise of the program, and a call of one copy would not be the parent of another's.
const storage = shared("call-stack", () => new AsyncLocalStorage<CallContext>());

/** Code that is never traced: the package's own requests, and what the program runs for them. */
const UNTRACED: CallContext = { call: null, owner: null, attributes: null, untraced: true };

/** The context of the running code; `undefined` outside of every call. */
export function currentContext(): CallContext | undefined {
  return storage.getStore();
}

/** Calls `fn(...args)` inside `context`. */
export function runInContext<A extends unknown[], R>(
  context: CallContext,
  fn: (...args: A) => R,
  ...args: A
): R {
  return storage.run(context, fn, ...args);
}

/** Calls `fn`; ops inside are plain function calls. */
export function runUntraced<R>(fn: () => R): R {
  return storage.run(UNTRACED, fn);
}

/** Calls `fn` with `values` added to the attributes of the calls made inside. */
export function runWithAttributes<R>(values: Record<string, unknown>, fn: () => R): R {
  const outer = storage.getStore();
  if (outer?.untraced) return fn();
  const merged = assignData({ ...outer?.attributes?.values }, values);
  const { call = null, owner = null } = outer ?? {};
  return storage.run({ call, owner, attributes: { values: merged } }, fn);
}
