/**
 * Looks at the objects of a program without running any of its code: no getter, no proxy trap, no
 * iterator.
 *
 * @module
 */

/** The slice of `node:util`'s `types` that is used. */
interface TypeChecks {
  isProxy(value: unknown): boolean;
  isPromise(value: unknown): boolean;
  isNativeError(value: unknown): boolean;
}

interface ProcessSlice {
  getBuiltinModule?: (name: string) => { types?: TypeChecks } | undefined;
}

const types = hostTypes();

/** Only some hosts can tell, and the language cannot; without them no object counts as a proxy. */
function hostTypes(): TypeChecks | undefined {
  try {
    const { process } = globalThis as { process?: ProcessSlice };
    return process?.getBuiltinModule?.("node:util")?.types;
  } catch {
    return undefined;
  }
}

/** Recorded in place of a property that has a getter. */
export const GETTER = "<getter>";

/** Whether a value is a proxy, asked of which everything runs code of the program. */
export const isProxy: (value: unknown) => boolean = types?.isProxy ?? (() => false);

/** Recorded in place of a proxy: every other operation on it runs its handler. */
export function describeProxy(proxy: unknown): string {
  try {
    Array.isArray(proxy);
    return "<Proxy>";
  } catch (error) {
    return `<error: ${(error as Error).message}>`;
  }
}

/** Whether a value is a promise of the host, of a subclass or another realm included. */
export const isPromise: (value: unknown) => value is Promise<unknown> = (types?.isPromise ??
  ((value: unknown) => value instanceof Promise)) as (value: unknown) => value is Promise<unknown>;

/** Whether a value is an error that the host made, or inherits from `Error`. */
export function isError(value: object): boolean {
  return types?.isNativeError(value) === true || inheritsFrom(value, Error.prototype);
}

/** Whether `prototype` is in the prototype chain of an object; asks no proxy. */
export function inheritsFrom(value: object, prototype: object): boolean {
  for (let at = prototypeOf(value); at !== null; at = prototypeOf(at)) {
    if (at === prototype) return true;
  }
  return false;
}

/** The prototype of an object; `null` for one that has none and for a proxy. */
export function prototypeOf(value: object): object | null {
  return isProxy(value) ? null : Object.getPrototypeOf(value);
}

/** The descriptor of a property, own or inherited; `undefined` where it is missing or hidden by a proxy. */
export function findProperty(value: object, key: PropertyKey): PropertyDescriptor | undefined {
  for (let at: object | null = value; at !== null; at = prototypeOf(at)) {
    if (isProxy(at)) return undefined;
    const found = Object.getOwnPropertyDescriptor(at, key);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The value of a property, own or inherited; `undefined` where it is missing or has a getter. */
export function readData(value: object, key: PropertyKey): unknown {
  return findProperty(value, key)?.value;
}

/** A method, own or inherited; `undefined` where it is missing, has a getter or is not a function. */
export function readMethod(value: object, key: PropertyKey): Method | undefined {
  const found = readData(value, key);
  return typeof found === "function" ? found as Method : undefined;
}

/** Any method. */
export type Method = (...args: unknown[]) => unknown;

type GetterLookup = (this: object, key: PropertyKey) => unknown;

const lookupGetter = (Object.prototype as { __lookupGetter__?: GetterLookup }).__lookupGetter__;

/**
 * Whether reading an own property of an object runs a getter. The fastest way to know: a traced call
 * asks it of every property that it records.
 */
export const hasGetter: (value: object, key: PropertyKey) => boolean = lookupGetter === undefined
  ? (value, key) => Object.getOwnPropertyDescriptor(value, key)?.get !== undefined
  : (value, key) => lookupGetter.call(value, key) !== undefined;

/**
 * Copies the own enumerable properties of `source` as `{ ...source }` does, but for two things:
 * {@linkcode GETTER} takes the place of what has a getter, and a proxy gives nothing.
 */
export function assignData<T extends Record<string, unknown>>(target: T, source: unknown): T {
  if (typeof source !== "object" || source === null || isProxy(source)) return target;
  for (const key of Object.keys(source)) {
    const value = hasGetter(source, key) ? GETTER : (source as Record<string, unknown>)[key];
    if (key !== "__proto__") (target as Record<string, unknown>)[key] = value;
    else {
      Object.defineProperty(target, key, {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
  }
  return target;
}

/** The names of the classes that an object is an instance of, nearest first. */
export function* classNames(value: object): Generator<string> {
  for (let at = prototypeOf(value); at !== null; at = prototypeOf(at)) {
    if (isProxy(at)) return;
    const owner: unknown = Object.getOwnPropertyDescriptor(at, "constructor")?.value;
    if (typeof owner !== "function" || isProxy(owner)) continue;
    const name: unknown = Object.getOwnPropertyDescriptor(owner, "name")?.value;
    if (typeof name === "string" && name !== "") yield name;
  }
}
