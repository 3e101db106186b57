/**
 * Classes of this package across its copies: an object that another copy in this process made is
 * recognized as what it is.
 *
 * @module
 */

import { isProxy, prototypeOf } from "../../protocol/json/object_facts.ts";

/** The classes that are distinguished when a value is saved. */
export type Kind =
  | "WeaveObject"
  | "Table"
  | "ObjectRef"
  | "OpRef"
  | "TableRef"
  | "TableRowRef"
  | "DatasetRowRef";

const MARK = Symbol.for("@weave-wal/client/class");

/** A class, however it is constructed. */
interface Class {
  readonly prototype: object;
}

/**
 * Makes `instanceof type` hold for instances of the same class in other copies of the package. A
 * subclass that is not marked itself keeps the ordinary meaning.
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
 * Cheap for plain objects, because every traced value comes by here. Runs no getter.
 */
export function kindOf(value: object): Kind | undefined {
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto === Object.prototype || proto === null || proto === Array.prototype) return undefined;
  return marksOf(value).at(-1) as Kind | undefined;
}

/** The name of the marked class that `proto` is the prototype of; a bundler may have renamed it. */
export function markOf(proto: object): string | undefined {
  const mark: unknown = Object.getOwnPropertyDescriptor(proto, MARK)?.value;
  return typeof mark === "string" ? mark : undefined;
}

/** The marked classes that a value is an instance of, its own first. */
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
