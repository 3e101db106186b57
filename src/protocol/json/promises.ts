/**
 * Observes promises of the program without replacing them, running their code or leaving a
 * rejection unhandled.
 *
 * @module
 */

import { isPromise } from "./object_facts.ts";

/**
 * The prototype of the runtime's own promises, which `async` functions return. Programs put other
 * classes in place of the global `Promise`, such as those of Bluebird and zone.js.
 */
export const promisePrototype: Promise<unknown> = Object.getPrototypeOf((async () => {})());

const { then, constructor } = promisePrototype;

type Reaction = (value: unknown) => void;

/**
 * Calls `onValue` or `onError` when a promise settles, before callbacks that are added later.
 *
 * `then` creates its result with the promise's constructor, which for a subclass is code of the
 * program. For this one call, the promise therefore gets the native constructor.
 *
 * @returns Whether the promise is observed. Thenables are not, because calling them runs code of
 * the program; nor are frozen instances of a subclass.
 */
export function observePromise(value: object, onValue: Reaction, onError: Reaction): boolean {
  if (!isPromise(value)) return false;
  if (Object.getPrototypeOf(value) === promisePrototype && !Object.hasOwn(value, "constructor")) {
    then.call(value, onValue, onError);
    return true;
  }
  const own = Object.getOwnPropertyDescriptor(value, "constructor");
  if (own === undefined ? !Object.isExtensible(value) : !own.configurable) return false;
  Object.defineProperty(value, "constructor", { value: constructor, configurable: true });
  try {
    then.call(value, onValue, onError);
  } finally {
    if (own !== undefined) Object.defineProperty(value, "constructor", own);
    else delete (value as { constructor?: unknown }).constructor;
  }
  return true;
}

function ignore(): void {}

/**
 * Keeps a rejection from ending the program, for a promise that nothing else handles, such as the
 * result of a callback that should have been synchronous.
 */
export function ignoreRejection(value: unknown): void {
  if (typeof value === "object" && value !== null) observePromise(value, ignore, ignore);
}
