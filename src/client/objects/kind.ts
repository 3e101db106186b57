/**
 * Identifies classes of this package across its copies, so that an object created by another copy
 * in this process is recognized.
 *
 * @module
 */

import { isProxy, prototypeOf } from "../../protocol/json/object_facts.ts";

/** Classes that are distinguished when a value is saved. */
export type Kind =
  | "WeaveObject"
  | "Table"
  | "ObjectRef"
  | "OpRef"
  | "TableRef"
  | "TableRowRef"
  | "DatasetRowRef";

const MARK = Symbol.for("@weave-wal/client/class");

/** Any class, whatever its constructor. */
interface Class {
  readonly prototype: object;
}

/**
 * Makes `instanceof type` true for instances of the same class in other copies of the package.
 * Subclasses that are not marked keep the standard behavior.
 */
export function markClass(type: Class, name: string): void {
  Object.defineProperty(type.prototype, MARK, { value: name });
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this !== type) return Function.prototype[Symbol.hasInstance].call(this as never, value);
      return marksOf(value).includes(name);
    },
  });
}

/**
 * Returns the kind of saved object or ref of a value that is not a proxy; otherwise `undefined`.
 * Fast for plain objects, because it runs for every traced value. Runs no getter.
 */
export function kindOf(value: object): Kind | undefined {
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto === Object.prototype || proto === null || proto === Array.prototype) return undefined;
  return marksOf(value).at(-1) as Kind | undefined;
}

/**
 * Returns the name of the marked class with prototype `proto`; a bundler may have renamed the
 * class.
 */
export function markOf(proto: object): string | undefined {
  const mark: unknown = Object.getOwnPropertyDescriptor(proto, MARK)?.value;
  return typeof mark === "string" ? mark : undefined;
}

/** Returns the marked classes of a value, most derived first. */
function marksOf(value: unknown): string[] {
  const marks: string[] = [];
  if (typeof value !== "object" || value === null) return marks;
  for (let proto = prototypeOf(value); proto !== null; proto = prototypeOf(proto)) {
    if (isProxy(proto)) break;
    const mark = markOf(proto);
    if (mark !== undefined) marks.push(mark);
  }
  return marks;
}
