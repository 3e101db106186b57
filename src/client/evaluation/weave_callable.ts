/**
 * Models and scorers: ops, and callable objects.
 *
 * @module
 */

import { readData } from "../../protocol/json/object_facts.ts";
import { reportOfficialOp } from "../mixed_packages.ts";
import type { AnyFunction, Op } from "../op/op_types.ts";
import { officialOp, opState } from "../op/op_state.ts";
import { invalidOption } from "../settings/invalid_option.ts";

/**
 * A callable object, such as a `WeaveObject` with an op named `invoke`.
 *
 * @example
 * ```ts
 * import { op, type Runnable } from "@weave-wal/client";
 *
 * const guess = op((country: string) => country.length, { name: "guess" });
 * const runnable: Runnable<typeof guess> = { id: "guess", invoke: guess };
 * if (runnable.id !== "guess") throw new Error();
 * ```
 */
export interface Runnable<T extends AnyFunction> {
  /** Name for its results. */
  id: string;
  /** Calls it. */
  invoke: (...args: Parameters<T>) => ReturnType<T>;
}

/**
 * An op, or a callable object.
 *
 * @example
 * ```ts
 * import { op, type WeaveCallable } from "@weave-wal/client";
 *
 * const length: WeaveCallable<(text: string) => number> = op(
 *   (text: string) => text.length,
 *   { name: "length" },
 * );
 * if (typeof length !== "function") throw new Error("An op is a function");
 * ```
 */
export type WeaveCallable<T extends AnyFunction> = Op<T> | Runnable<T>;

/** Calls an op or a {@linkcode Runnable} with one argument. */
export function callCallable(callable: WeaveCallable<AnyFunction>, input: unknown): unknown {
  return typeof callable === "function" ? callable(input) : callable.invoke(input);
}

/** Returns the name of an op or a {@linkcode Runnable}, under which its results are listed. */
export function callableName(callable: unknown): string {
  if (typeof callable === "function") {
    const name = (opState(callable) ?? officialOp(callable))?.name ?? readData(callable, "name");
    return typeof name === "string" && name !== "" ? name : "anonymous";
  }
  const { id, name } = callable as { id?: unknown; name?: unknown };
  return `${id ?? name ?? "anonymous"}`;
}

/** Warns about an op of the official SDK: its calls may not be in the evaluation's trace. */
export function reportIfOfficial(callable: WeaveCallable<AnyFunction>): void {
  const official = officialOp(callable) ?? officialOp(callable.invoke);
  if (official) reportOfficialOp(official.name);
}

/**
 * Throws unless `value` can be called.
 *
 * @param place Source of the value, for the message.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export function checkCallable(place: string, value: unknown): void {
  if (typeof value === "function") return;
  const { invoke } = (value ?? {}) as { invoke?: unknown };
  if (typeof invoke === "function") return;
  throw invalidOption(place, value, "an op or an object with a method invoke");
}
