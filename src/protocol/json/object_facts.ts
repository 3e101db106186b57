/**
 * Inspects objects of a program without running any of its code: no getter, proxy trap or iterator.
 *
 * @module
 */

/** The part of `node:util`'s `types` that is used. */
interface TypeChecks {
  isProxy(value: unknown): boolean;
  isPromise(value: unknown): boolean;
  isNativeError(value: unknown): boolean;
}

interface ProcessSlice {
  getBuiltinModule?: (name: string) => { types?: TypeChecks } | undefined;
}

const types = hostTypes();

/** Only some runtimes can detect proxies; in others no object counts as a proxy. */
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

/** Whether a value is a proxy, on which every operation runs code of the program. */
export const isProxy: (value: unknown) => boolean = types?.isProxy ?? (() => false);

/**
 * Returns the text recorded in place of a proxy. `Array.isArray` is the only operation that does
 * not run its handler.
 */
export function describeProxy(proxy: unknown): string {
  try {
    Array.isArray(proxy);
    return "<Proxy>";
  } catch (error) {
    return `<error: ${(error as Error).message}>`;
  }
}

/** Whether a value is a native promise, including subclasses and other realms. */
export const isPromise: (value: unknown) => value is Promise<unknown> = (types?.isPromise ??
  ((value: unknown) => value instanceof Promise)) as (value: unknown) => value is Promise<unknown>;

/** Returns whether a value is a native error or inherits from `Error`. */
export function isError(value: object): boolean {
  return types?.isNativeError(value) === true || inheritsFrom(value, Error.prototype);
}

/** Returns whether `prototype` is in an object's prototype chain; does not touch proxies. */
export function inheritsFrom(value: object, prototype: object): boolean {
  for (let at = prototypeOf(value); at !== null; at = prototypeOf(at)) {
    if (at === prototype) return true;
  }
  return false;
}

/** Returns an object's prototype; `null` for a proxy and for an object without one. */
export function prototypeOf(value: object): object | null {
  return isProxy(value) ? null : Object.getPrototypeOf(value);
}

/**
 * Finds the descriptor of an own or inherited property; `undefined` if it is missing or behind a
 * proxy.
 */
export function findProperty(value: object, key: PropertyKey): PropertyDescriptor | undefined {
  for (let at: object | null = value; at !== null; at = prototypeOf(at)) {
    if (isProxy(at)) return undefined;
    const found = Object.getOwnPropertyDescriptor(at, key);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Returns the value of an own or inherited property; `undefined` if it is missing or has a getter.
 */
export function readData(value: object, key: PropertyKey): unknown {
  return findProperty(value, key)?.value;
}

/**
 * Returns an own or inherited method; `undefined` if it is missing, has a getter or is not a
 * function.
 */
export function readMethod(value: object, key: PropertyKey): Method | undefined {
  const found = readData(value, key);
  return typeof found === "function" ? found as Method : undefined;
}

/** Any method. */
export type Method = (...args: unknown[]) => unknown;

type GetterLookup = (this: object, key: PropertyKey) => unknown;

const lookupGetter = (Object.prototype as { __lookupGetter__?: GetterLookup }).__lookupGetter__;

/**
 * Whether reading an own property runs a getter. This is the fastest test; it runs for every
 * property of a traced call.
 */
export const hasGetter: (value: object, key: PropertyKey) => boolean = lookupGetter === undefined
  ? (value, key) => Object.getOwnPropertyDescriptor(value, key)?.get !== undefined
  : (value, key) => lookupGetter.call(value, key) !== undefined;

/**
 * Copies the own enumerable properties of `source` like `{ ...source }`, except that properties
 * with a getter become {@linkcode GETTER}, and a proxy has no properties.
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

/** Lists the names of an object's classes, most derived first. */
export function* classNames(value: object): Generator<string> {
  for (let at = prototypeOf(value); at !== null; at = prototypeOf(at)) {
    if (isProxy(at)) return;
    const owner: unknown = Object.getOwnPropertyDescriptor(at, "constructor")?.value;
    if (typeof owner !== "function" || isProxy(owner)) continue;
    const name: unknown = Object.getOwnPropertyDescriptor(owner, "name")?.value;
    if (typeof name === "string" && name !== "") yield name;
  }
}
