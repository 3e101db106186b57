/**
 * Replacements for objects that JSON cannot represent, as specified by the table in `stringify.ts`.
 * Of the program's code, only `toJSON` methods run.
 *
 * @module
 */

import { builtInValue, inBrackets, resemblesBuiltIn } from "./built_in_values.ts";
import {
  classNames,
  findProperty,
  GETTER,
  isError,
  isPromise,
  isProxy,
  prototypeOf,
  readData,
  readMethod,
} from "./object_facts.ts";
import { ignoreRejection } from "./promises.ts";

/** Returns the text recorded for a value whose `toJSON` threw. */
export function errorText(error: unknown): string {
  const message = typeof error === "string" ? error : messageOf(error);
  return message === undefined ? "<error>" : `<error: ${message}>`;
}

/** Returns the message of an error, if it can be read without running a getter. */
function messageOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const message = readSafely(error, "message");
  return typeof message === "string" ? message : undefined;
}

/**
 * Returns the replacement for an object or function: a primitive, or an object whose own enumerable
 * properties (or items) are to be encoded. Returns the object itself if its own properties are.
 *
 * @param value Not a proxy.
 * @param maxChars Maximum characters for binary data.
 * @throws The error of a `toJSON` method.
 */
export function toJsonValue(value: object, maxChars: number): unknown {
  if (Array.isArray(value)) return value;
  if (typeof value === "function") return inBrackets("function", readData(value, "name"), " ");
  if (isOrdinary(value)) return value;
  const known = knownValue(value, maxChars);
  if (known !== undefined) return known;
  const toJSON = readMethod(value, "toJSON");
  if (toJSON === undefined) return ordinaryValue(value);
  const result: unknown = Reflect.apply(toJSON, value, [""]);
  if (typeof result !== "object" || result === null || Array.isArray(result)) return result;
  if (isProxy(result)) return result;
  ignoreRejection(result);
  // As in JSON, `toJSON` is not called on the result of `toJSON`.
  const inner = knownValue(result, maxChars);
  return inner === undefined ? ordinaryValue(result) : inner;
}

/** Prototypes whose instances are known to be encoded by their own properties. */
const ordinaryPrototypes = new WeakSet<object>([Object.prototype]);

/** Fast check for an object that is encoded by its own properties. */
function isOrdinary(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return (prototype === null || ordinaryPrototypes.has(prototype)) && !("toJSON" in value) &&
    !("then" in value) && !(Symbol.toStringTag in value) && !ArrayBuffer.isView(value) &&
    !isStreamOfNode(value) &&
    // Present on the `arguments` of a function.
    !Object.hasOwn(value, Symbol.iterator);
}

/**
 * Must precede `toJSON`: that of a Buffer returns an array of numbers, and those of errors and
 * Bun's Headers reveal secrets.
 */
function knownValue(value: object, maxChars: number): unknown {
  return isError(value) ? errorValue(value) : builtInValue(value, maxChars);
}

const { apply, getOwnPropertyDescriptor } = Reflect;

function errorValue(error: object): object {
  const object: Record<string, unknown> = {
    name: readSafely(error, "name"),
    message: readSafely(error, "message"),
    stack: readStack(error),
  };
  for (const key of ["code", "cause", "errors"]) {
    const value = readSafely(error, key);
    if (value !== undefined) object[key] = value;
  }
  return object;
}

/**
 * Returns the stack of an error; {@linkcode GETTER} if reading it could run code of the program.
 * Some runtimes build the stack at the first read, from the current name and message.
 */
export function readStack(error: object): unknown {
  const isSafe = !inheritsFromProxy(error) &&
    ["name", "message"].every((key) => isPlainText(readSafely(error, key)));
  return isSafe ? readSafely(error, "stack") : GETTER;
}

function inheritsFromProxy(value: object): boolean {
  for (let at: object | null = value; at !== null; at = Object.getPrototypeOf(at)) {
    if (isProxy(at)) return true;
  }
  return false;
}

/** Returns whether a part of a stack becomes text without code of the program, or an exception. */
function isPlainText(value: unknown): boolean {
  return value === null ||
    (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol" &&
      value !== GETTER);
}

/** Native getters of errors, which run no code of the program. */
const errorGetters: ReadonlySet<unknown> = new Set([
  getOwnPropertyDescriptor(new Error(), "stack")?.get,
  getOwnPropertyDescriptor(Error.prototype, "stack")?.get,
  ...["name", "message", "code"].map((key) =>
    typeof DOMException === "function" && getOwnPropertyDescriptor(DOMException.prototype, key)?.get
  ),
]);

/** Source of the built-in `Error`, in any realm. A bound function has no name in its source. */
const ERROR_SOURCE = /^function Error\(\) \{\s*\[native code\]\s*\}$/;

/**
 * Returns the native getter of `stack` in the realm of an error, if there is one: test runners run
 * programs in another realm than that of the runtime's own modules.
 */
function stackGetter(error: object): unknown {
  for (let at = prototypeOf(error); at !== null; at = prototypeOf(at)) {
    const made: unknown = getOwnPropertyDescriptor(at, "constructor")?.value;
    if (typeof made !== "function" || isProxy(made)) continue;
    if (!ERROR_SOURCE.test(Function.prototype.toString.call(made))) continue;
    return getOwnPropertyDescriptor(Reflect.construct(made, []), "stack")?.get;
  }
  return undefined;
}

/**
 * Returns a property of an error; {@linkcode GETTER} if reading it would run a getter of the
 * program, `undefined` if it cannot be read: a stack is built by `Error.prepareStackTrace`, which
 * may throw.
 */
export function readSafely(error: object, key: string): unknown {
  try {
    const found = findProperty(error, key);
    if (found?.get === undefined) return found?.value;
    const isNative = errorGetters.has(found.get) || found.get === stackGetter(error);
    return isNative ? apply(found.get, error, []) : GETTER;
  } catch {
    return undefined;
  }
}

function ordinaryValue(value: object): unknown {
  if (isStreamOfNode(value)) return inBrackets(nameOf(value));
  const tag = findProperty(value, Symbol.toStringTag);
  if (isPromise(value) || readMethod(value, "then") !== undefined) {
    // The content of a query builder, such as a connection's password, is not its result.
    const name = typeof tag?.value === "string" && !isPromise(value) ? tag.value : nameOf(value);
    return inBrackets(name === "Object" ? "thenable" : name);
  }
  if (tag === undefined) {
    const prototype = prototypeOf(value);
    if (prototype !== null && !resemblesBuiltIn(value)) ordinaryPrototypes.add(prototype);
    return value;
  }
  if (Object.keys(value).length > 0) return value;
  const name = typeof tag.value === "string" ? tag.value : nameOf(value);
  return name === undefined || name === "Object" ? value : inBrackets(name);
}

function isStreamOfNode(value: object): boolean {
  return Object.hasOwn(value, "_readableState") || Object.hasOwn(value, "_writableState");
}

function nameOf(value: object): string | undefined {
  for (const name of classNames(value)) return name;
  return undefined;
}
