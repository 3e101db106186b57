/**
 * Overrides methods on a single object to observe how the program uses it. The object keeps its
 * identity, class, private fields and enumerable properties.
 *
 * @module
 */

import { type Method, readMethod } from "../../protocol/json/object_facts.ts";

/** Returns a method that does what `original` does, and observes it. */
export type Override = (original: Method) => Method;

/**
 * Overrides methods of `target`. Skips methods that it lacks, or that only a getter could provide.
 *
 * @returns A function that removes the overrides; `undefined` if none could be set, as on a frozen
 * object.
 */
export function overrideMethods(
  target: object,
  overrides: ReadonlyMap<PropertyKey, Override>,
): (() => void) | undefined {
  const undo: (() => void)[] = [];
  const undoAll = () => undo.forEach((run) => run());
  for (const [key, override] of overrides) {
    const original = readMethod(target, key);
    if (original === undefined) continue;
    const own = Object.getOwnPropertyDescriptor(target, key);
    const value = override(original);
    const isPut = Reflect.defineProperty(
      target,
      key,
      own?.configurable === false
        ? { value }
        : { value, writable: true, configurable: true, enumerable: own?.enumerable ?? false },
    );
    if (!isPut) {
      undoAll();
      return undefined;
    }
    undo.push(() => {
      // Another library may have replaced the method since.
      if (Object.getOwnPropertyDescriptor(target, key)?.value !== value) return;
      if (own === undefined) Reflect.deleteProperty(target, key);
      else Reflect.defineProperty(target, key, own);
    });
  }
  return undo.length === 0 ? undefined : undoAll;
}
