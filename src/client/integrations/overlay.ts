/**
 * A view of an object with some properties replaced. The object itself is unchanged.
 *
 * @module
 */

import type { AnyFunction } from "../op/op_types.ts";

/**
 * Returns `target` with `replacements` for some of its properties. Its methods run on `target`
 * itself, so that private fields work.
 */
export function overlay<T extends object>(
  target: T,
  replacements: ReadonlyMap<PropertyKey, unknown>,
): T {
  const methods = new WeakMap<object, AnyFunction>();
  const replaced = new Map(replacements);
  const proxy: T = new Proxy(target, {
    get(_, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (isFixed(target, key)) return value;
      if (replaced.has(key)) return replaced.get(key);
      if (typeof value !== "function" || key === "constructor") return value;
      let method = methods.get(value);
      if (method === undefined) {
        method = onTarget(value as AnyFunction, target, () => proxy);
        methods.set(value, method);
      }
      return method;
    },
    set(_, key, value) {
      replaced.delete(key);
      return Reflect.set(target, key, value, target);
    },
  });
  return proxy;
}

/** Returns whether a proxy must return the property's actual value. */
function isFixed(target: object, key: PropertyKey): boolean {
  const own = Reflect.getOwnPropertyDescriptor(target, key);
  return own !== undefined && own.configurable === false && own.writable === false;
}

/** Returns a method that runs on `target` when it is called on the overlay. */
function onTarget(method: AnyFunction, target: object, overlaid: () => object): AnyFunction {
  return new Proxy(method, {
    apply: (_, self, args) => Reflect.apply(method, self === overlaid() ? target : self, args),
  });
}
