/**
 * How an op gets its name.
 *
 * @module
 */

import type { AnyFunction, OpOptions } from "./op_types.ts";

/** The op's name: given, `Class.method` of a bound method, or the function's own. */
export function opName(fn: AnyFunction, options: OpOptions<AnyFunction>): string {
  if (options.name) return options.name;
  const name = options.originalFunction?.name || fn.name || "anonymous";
  return options.bindThis == null ? name : `${classNameOf(options.bindThis)}.${name}`;
}

/** The name of a value's class. */
export function classNameOf(value: unknown): string {
  try {
    return Object.getPrototypeOf(value)?.constructor?.name || "anonymous";
  } catch {
    return "anonymous";
  }
}

/**
 * The name of the class that a method is defined in, found from an instance of it (or of a class
 * derived from it), or from the class itself for static methods.
 */
export function definingClass(instance: unknown, key: string | symbol, method: unknown): string {
  const isStatic = typeof instance === "function";
  for (
    let at: unknown = instance;
    at !== null && at !== undefined;
    at = Object.getPrototypeOf(at)
  ) {
    if (Object.getOwnPropertyDescriptor(at, key)?.value !== method) continue;
    const owner = isStatic ? at : (at as { constructor?: unknown }).constructor;
    return (owner as { name?: string } | undefined)?.name || "anonymous";
  }
  return isStatic ? (instance as AnyFunction).name || "anonymous" : classNameOf(instance);
}

/** Most characters of an object's id. */
export const MAX_OBJECT_ID_LENGTH = 128;

/**
 * The id under which an op is saved: its name where the server takes it, else the name without what
 * the server refuses.
 */
export function opObjectId(name: string): string {
  if (/^[\w.-]{1,128}$/.test(name)) return name;
  return cleanObjectId(name) || "op";
}

/** An object's name as the server takes it; empty when nothing of it is left. */
export function cleanObjectId(name: string): string {
  return name
    .replace(/[^\w.]+/g, "-")
    .replace(/([._-]{2,})+/g, "-")
    .replace(/^[-_]+|[-_]+$/g, "")
    .slice(0, MAX_OBJECT_ID_LENGTH);
}
