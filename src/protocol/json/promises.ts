/**
 * Promises of the program, observed on the side: without replacing them, running their code or
 * leaving one unhandled.
 *
 * @module
 */

import { isPromise } from "./object_facts.ts";

const { then } = Promise.prototype;

type Reaction = (value: unknown) => void;

/**
 * Calls `onValue` or `onError` when a promise settles, before any callback that is added later.
 *
 * `then` makes its result by the constructor of the promise, which for a subclass is code of the
 * program; for this one call the promise is given the host's own.
 *
 * @returns Whether it is observed: not an object that is not a promise of the host (a thenable runs
 *   code of the program when it is asked), nor an instance of a subclass that is frozen.
 */
export function observePromise(value: object, onValue: Reaction, onError: Reaction): boolean {
  if (!isPromise(value)) return false;
  if (Object.getPrototypeOf(value) === Promise.prototype && !Object.hasOwn(value, "constructor")) {
    then.call(value, onValue, onError);
    return true;
  }
  const own = Object.getOwnPropertyDescriptor(value, "constructor");
  if (own === undefined ? !Object.isExtensible(value) : !own.configurable) return false;
  Object.defineProperty(value, "constructor", { value: Promise, configurable: true });
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
 * Keeps a promise that nobody else will look at, such as the result of a callback that should have
 * been synchronous, from ending the program when it is rejected.
 */
export function ignoreRejection(value: unknown): void {
  if (typeof value === "object" && value !== null) observePromise(value, ignore, ignore);
}
