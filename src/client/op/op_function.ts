/**
 * Preserves properties of the wrapped function on an op.
 *
 * @module
 */

import { isProxy } from "../../protocol/json/object_facts.ts";

const asyncPrototype = Object.getPrototypeOf(async () => {});

/**
 * Returns whether a function is declared with `async`, so that each of its promises belongs only to
 * its caller. What memoizes such a function may have its prototype, and returns one promise to
 * many.
 */
export function isAsyncFunction(fn: object): boolean {
  // If this file was transpiled to an older target, both prototypes are the same and prove nothing.
  return asyncPrototype !== Function.prototype && !isProxy(fn) &&
    Object.getPrototypeOf(fn) === asyncPrototype &&
    Function.prototype.toString.call(fn).startsWith("async");
}

/** Properties of every function, and those of an op. */
const NOT_KEPT: ReadonlySet<PropertyKey> = new Set([
  "prototype",
  "arguments",
  "caller",
  "__isOp",
  "__name",
  "__wrappedFunction",
  "__boundThis",
  "__parameterNames",
  "__savedRef",
  "invoke",
]);

/**
 * Gives an op the properties and the prototype of its function: properties that a decorator, a
 * framework or the program has set on the function exist on the op, and setting them on the op sets
 * them on the function. Runs no getter.
 */
export function keepProperties(op: object, fn: object): void {
  if (isProxy(fn)) return;
  if (Object.getPrototypeOf(fn) !== Object.getPrototypeOf(op)) {
    Object.setPrototypeOf(op, Object.getPrototypeOf(fn));
  }
  for (const key of Reflect.ownKeys(fn)) {
    if (NOT_KEPT.has(key)) continue;
    const own = Object.getOwnPropertyDescriptor(fn, key)!;
    Object.defineProperty(op, key, own.writable ? forwarded(fn, key, own) : own);
  }
  const prototype = Object.getOwnPropertyDescriptor(fn, "prototype")?.value;
  if (prototype !== undefined) Reflect.set(op, "prototype", prototype);
}

/** Returns a descriptor that forwards to the function's property. */
function forwarded(
  fn: object,
  key: PropertyKey,
  { enumerable, configurable }: PropertyDescriptor,
): PropertyDescriptor {
  return {
    get: () => Reflect.get(fn, key),
    set: (value) => {
      Reflect.set(fn, key, value);
    },
    enumerable,
    configurable,
  };
}
