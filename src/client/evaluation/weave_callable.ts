/**
 * Models and scorers: ops, and objects that can be called.
 *
 * @module
 */

import { readData } from "../../protocol/json/object_facts.ts";
import { reportOfficialOp } from "../mixed_packages.ts";
import type { AnyFunction, Op } from "../op/op_types.ts";
import { officialOp, opState } from "../op/op_state.ts";
import { invalidOption } from "../settings/invalid_option.ts";

/**
 * An object that can be called, such as a `WeaveObject` with an op named `invoke`.
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
  /** The name under which its results are listed. */
  id: string;
  /** Calls it. */
  invoke: (...args: Parameters<T>) => ReturnType<T>;
}

/**
 * An op, or an object that can be called.
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

/** The name of an op or a {@linkcode Runnable}, under which its results are listed. */
export function callableName(callable: unknown): string {
  if (typeof callable === "function") {
    const name = (opState(callable) ?? officialOp(callable))?.name ?? readData(callable, "name");
    return typeof name === "string" && name !== "" ? name : "anonymous";
  }
  const { id, name } = callable as { id?: unknown; name?: unknown };
  return `${id ?? name ?? "anonymous"}`;
}

/** Reports an op of the official SDK: its calls may not be part of the evaluation's trace. */
export function reportIfOfficial(callable: WeaveCallable<AnyFunction>): void {
  const official = officialOp(callable) ?? officialOp(callable.invoke);
  if (official) reportOfficialOp(official.name);
}

/**
 * Checks that `value` can be called.
 *
 * @param place Where the value was found, for the message.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export function checkCallable(place: string, value: unknown): void {
  if (typeof value === "function") return;
  const { invoke } = (value ?? {}) as { invoke?: unknown };
  if (typeof invoke === "function") return;
  throw invalidOption(place, value, "an op or an object with a method invoke");
}
