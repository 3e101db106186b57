/**
 * Observes how a promise settles, or how the program awaits a thenable. Neither is replaced, and
 * `then` of a thenable is not called, because a thenable may only start its work when it is
 * awaited.
 *
 * @module
 */

import {
  isPromise,
  isProxy,
  type Method,
  prototypeOf,
  readMethod,
} from "../../protocol/json/object_facts.ts";
import { observePromise, promisePrototype } from "../../protocol/json/promises.ts";
import { type Override, overrideMethods } from "../op/overrides.ts";

type Reaction = (value: unknown) => void;

/**
 * Calls one of the reactions when a promise or thenable settles; immediately for any other value.
 * Never calls them if the value cannot be observed.
 */
export function onSettled(value: unknown, onValue: Reaction, onError: Reaction): void {
  if (typeof value !== "object" || value === null || isProxy(value)) return onValue(value);
  if (isNativePromise(value)) observePromise(value, onValue, onError);
  else if (!isThenable(value)) onValue(value);
  else overrideMethods(value, awaited(value, onValue, onError));
}

/** Returns whether a value is awaited by the host itself, whatever its class. */
export function isNativePromise(value: object): boolean {
  if (!isPromise(value)) return false;
  // Nearly every promise is of this kind.
  const isOrdinary = Object.getPrototypeOf(value) === promisePrototype;
  if (isOrdinary && !Object.hasOwn(value, "then")) return true;
  for (let at: object | null = value; at !== null; at = prototypeOf(at)) {
    const own = Object.getOwnPropertyDescriptor(at, "then");
    if (own === undefined) continue;
    // Promises of another realm have another prototype.
    return at === promisePrototype || isNativeCode(own.value);
  }
  return false;
}

function isNativeCode(value: unknown): boolean {
  return typeof value === "function" && !isProxy(value) &&
    Function.prototype.toString.call(value).endsWith("{ [native code] }");
}

/**
 * Returns whether a value that is not a proxy has a `then` method that can be read without a
 * getter.
 */
export function isThenable(value: object): boolean {
  return readMethod(value, "then") !== undefined;
}

/**
 * Methods of the promises of the OpenAI and Anthropic SDKs, which can be awaited in several ways.
 */
const API_PROMISE = ["parse", "asResponse", "withResponse"];

/** Returns overrides for the methods with which the program gets a thenable's value. */
export function awaited(
  thenable: object,
  onValue: Reaction,
  onError: Reaction,
): Map<PropertyKey, Override> {
  // Their `then` and `withResponse` call `parse`, which returns the same promise each time.
  const isApiPromise = isPromise(thenable) &&
    API_PROMISE.every((name) => readMethod(thenable, name) !== undefined);
  if (isApiPromise) return new Map([["parse", parsed(onValue, onError)]]);
  return new Map([["then", then(onValue, onError)]]);
}

function parsed(onValue: Reaction, onError: Reaction): Override {
  return (original) =>
    function (this: unknown, ...args: unknown[]): unknown {
      const promise = Reflect.apply(original, this, args);
      onSettled(promise, onValue, onError);
      return promise;
    };
}

function then(onValue: Reaction, onError: Reaction): Override {
  const seen = (reaction: Reaction, next: unknown): unknown =>
    typeof next !== "function" ? next : function (this: unknown, value: unknown): unknown {
      reaction(value);
      return Reflect.apply(next as Method, this, [value]);
    };
  return (original) =>
    function (this: unknown, ...[whenValue, whenError, ...rest]: unknown[]): unknown {
      return Reflect.apply(original, this, [
        seen(onValue, whenValue),
        seen(onError, whenError),
        ...rest,
      ]);
    };
}
