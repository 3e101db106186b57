/**
 * The internal state of ops, by which they are recognized.
 *
 * @module
 */

import { isProxy, readData } from "../../protocol/json/object_facts.ts";
import { shared } from "../../runtime/process/shared_state.ts";
import type { AnyFunction, Op, OwnOpOptions } from "./op_types.ts";

/** The function, its options and cached values. */
export interface OpState {
  name: string;
  readonly fn: (...args: unknown[]) => unknown;
  readonly original: AnyFunction;
  /** Whether the function is declared with `async`. */
  readonly isAsync: boolean;
  readonly options: OwnOpOptions;
  /** The publisher that last saved the op, and the JSON text of its ref. */
  savedBy: object | null;
  savedText: string;
  /** The ref under which the official SDK saved the op, or a promise of it. */
  officialRef?: unknown;
}

/** The data of an op to save. */
export interface OpSource {
  readonly name: string;
  /** The function whose source is saved. */
  readonly original: AnyFunction;
}

/** Returns the data of an op of the official SDK; otherwise `undefined`. Runs no getter. */
export function officialOp(value: unknown): OpSource | undefined {
  if (typeof value !== "function" || isProxy(value) || opState(value) !== undefined) {
    return undefined;
  }
  if (!Object.hasOwn(value, "__isOp") || readData(value, "__isOp") !== true) return undefined;
  const name = readData(value, "__name");
  const original = readData(value, "__wrappedFunction");
  return typeof name === "string" && typeof original === "function"
    ? { name, original: original as AnyFunction }
    : undefined;
}

/** Shared: an op created by one copy of the package is an op for every copy. */
const states = shared("op-states", () => new WeakMap<object, OpState>());

/** Stores the state of an op. */
export function setOpState(op: object, state: OpState): void {
  states.set(op, state);
}

/** Returns the state of an op; `undefined` for other values. */
export function opState(value: unknown): OpState | undefined {
  return typeof value === "function" ? states.get(value) : undefined;
}

/**
 * Returns whether `value` is an op.
 *
 * @example
 * ```ts
 * import { isOp, op } from "@weave-wal/client";
 *
 * const plain = (text: string) => text.length;
 * if (isOp(plain)) throw new Error("A plain function is not an op");
 * if (!isOp(op(plain))) throw new Error("op makes ops");
 * ```
 */
export function isOp(value: unknown): value is Op<AnyFunction> {
  return opState(value) !== undefined;
}

/** Options of the ops of an evaluation. */
export const ALWAYS_RECORDED: Pick<OwnOpOptions, "alwaysRecorded"> = { alwaysRecorded: true };
