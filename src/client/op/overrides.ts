/**
 * Methods put on one object in front of its own, so that what the program does with the object is
 * seen. The object stays what it is: the same identity, class, private fields and enumerable
 * properties.
 *
 * @module
 */

import { type Method, readMethod } from "../../protocol/json/object_facts.ts";

/** Makes a method that does what `original` does, and looks on. */
export type Override = (original: Method) => Method;

/**
 * Puts methods on `target`. Methods that it lacks, or that only a getter could give, are left out.
 *
 * @returns Takes them away again; `undefined` when nothing could be put there, as on a frozen
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
      // Another library may have put a method there since.
      if (Object.getOwnPropertyDescriptor(target, key)?.value !== value) return;
      if (own === undefined) Reflect.deleteProperty(target, key);
      else Reflect.defineProperty(target, key, own);
    });
  }
  return undo.length === 0 ? undefined : undoAll;
}
