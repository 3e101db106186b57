/**
 * Tracks the call that the running code belongs to, with `AsyncLocalStorage`.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { assignData } from "../../protocol/json/object_facts.ts";
import { shared } from "../../runtime/process/shared_state.ts";

/**
 * The current call, as seen by the code inside it.
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
  /** ID of the call. */
  readonly callId: string;
  /** ID of the call's trace. */
  readonly traceId: string;
  /** Sum of the summaries of the finished children. Entries added here are included. */
  childSummary: Record<string, unknown>;
}

/** Custom attributes for the calls in a scope. */
export interface AttributeScope {
  readonly values: Readonly<Record<string, unknown>>;
  /** JSON text of all attributes of such a call, and the recorder that built it. */
  text?: string;
  textBy?: object;
}

/** Contents of the storage: the current call, and attributes for future calls. */
export interface CallContext {
  readonly call: CallStackEntry | null;
  /** The recorder of the current call. Calls of other clients do not become its children. */
  readonly owner: object | null;
  readonly attributes: AttributeScope | null;
  /** Whether ops in this context are plain function calls. */
  readonly untraced?: boolean;
}

// One storage for all clients and all copies of the package: each further one would add a cost to
// every promise of the program, and a call of one copy could not be the parent of another copy's
// call.
const storage = shared("call-stack", () => new AsyncLocalStorage<CallContext>());

/**
 * Context for code that is never traced: the package's own requests, and code of the program that
 * they run.
 */
const UNTRACED: CallContext = { call: null, owner: null, attributes: null, untraced: true };

/** Returns the context of the running code; `undefined` outside of all calls. */
export function currentContext(): CallContext | undefined {
  return storage.getStore();
}

/** Calls `fn(...args)` in `context`. */
export function runInContext<A extends unknown[], R>(
  context: CallContext,
  fn: (...args: A) => R,
  ...args: A
): R {
  return storage.run(context, fn, ...args);
}

/** Calls `fn`; ops inside it are plain function calls. */
export function runUntraced<R>(fn: () => R): R {
  return storage.run(UNTRACED, fn);
}

/** Calls `fn`, and adds `values` to the attributes of the calls inside it. */
export function runWithAttributes<R>(values: Record<string, unknown>, fn: () => R): R {
  const outer = storage.getStore();
  if (outer?.untraced) return fn();
  const merged = assignData({ ...outer?.attributes?.values }, values);
  const { call = null, owner = null } = outer ?? {};
  return storage.run({ call, owner, attributes: { values: merged } }, fn);
}
