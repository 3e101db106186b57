/**
 * Observes how the program reads a stream that an op returned. The stream itself is not replaced,
 * and code that runs in it has the op's call as its parent.
 *
 * @module
 */

import {
  findProperty,
  GETTER,
  inheritsFrom,
  type Method,
  readData,
  readMethod,
} from "../../protocol/json/object_facts.ts";
import { runInContext } from "../calls/call_stack.ts";
import { observeReadable } from "./observe_readable.ts";
import { onSettled } from "./observe_promise.ts";
import { type Override, overrideMethods } from "../op/overrides.ts";
import { isLocked } from "./stream_locks.ts";
import type { StreamOutput } from "./stream_output.ts";
import type { TracedCall } from "../calls/traced_call.ts";
import { Watchers } from "./watchers.ts";

const iteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));

/** Ways of reading a stream. */
export type StreamKind = "iterator" | "async-iterable" | "readable" | "node";

/**
 * Returns the kind of stream of an object that is not a proxy; `undefined` if it is not a stream. A
 * synchronous iterable counts only if it is an iterator, as generators are.
 */
export function streamKind(value: object): StreamKind | undefined {
  if (Object.hasOwn(value, "_readableState")) {
    // Data that the program writes, as to a socket, is not a result.
    const isOutput = !Object.hasOwn(value, "_writableState") ||
      readMethod(value, "_transform") !== undefined;
    return isOutput && readMethod(value, "emit") !== undefined ? "node" : undefined;
  }
  if (typeof ReadableStream === "function" && inheritsFrom(value, ReadableStream.prototype)) {
    return isLocked(value) ? undefined : "readable";
  }
  if (readMethod(value, Symbol.asyncIterator) !== undefined) return "async-iterable";
  const isIterator = inheritsFrom(value, iteratorPrototype) &&
    readMethod(value, "next") !== undefined;
  return isIterator ? "iterator" : undefined;
}

/** Lets a call wait for the end of a stream; returns whether it waits. */
export function observeStream(
  kind: StreamKind,
  stream: object,
  call: TracedCall,
  output: StreamOutput,
): boolean {
  return Watchers.add(stream, output, (watchers) => {
    switch (kind) {
      case "iterator":
        return overrideMethods(stream, iteratorMethods(call, watchers, seeStep));
      case "async-iterable":
        return observeIterable(stream, call, watchers);
      case "readable":
        return observeReadable(stream as ReadableStream<unknown>, call, watchers);
      case "node":
        return overrideMethods(stream, new Map([["emit", emitted(watchers)]]));
    }
  });
}

/** Handles the result of an iterator's method. */
type See = (watchers: Watchers, result: unknown) => void;

function iteratorMethods(
  call: TracedCall,
  watchers: Watchers,
  see: See,
): Map<PropertyKey, Override> {
  const step: Override = (original) =>
    function (this: unknown, ...args: unknown[]): unknown {
      let result: unknown;
      try {
        result = runInContext(call, Reflect.apply, original, this, args);
      } catch (error) {
        watchers.fail(error);
        throw error;
      }
      see(watchers, result);
      return result;
    };
  return new Map(["next", "return", "throw"].map((name) => [name, step]));
}

/**
 * Observes an async iterable that is its own iterator, as async generators are, or that creates
 * iterators.
 */
function observeIterable(
  iterable: object,
  call: TracedCall,
  watchers: Watchers,
): (() => void) | undefined {
  const methods = iteratorMethods(call, watchers, seeAsyncStep);
  const known = new WeakSet<object>([iterable]);
  const iterate: Override = (original: Method) =>
    function (this: unknown, ...args: unknown[]): unknown {
      const iterator = Reflect.apply(original, this, args);
      if (typeof iterator === "object" && iterator !== null && !known.has(iterator)) {
        known.add(iterator);
        overrideMethods(iterator, methods);
      }
      return iterator;
    };
  const key = isSdkStream(iterable) ? "iterator" : Symbol.asyncIterator;
  return overrideMethods(iterable, new Map<PropertyKey, Override>([[key, iterate], ...methods]));
}

/**
 * Returns whether an iterable is a stream of the OpenAI or the Anthropic SDK: it is read by
 * iterators that its `iterator` makes, also where `tee` splits it.
 */
function isSdkStream(iterable: object): boolean {
  return Object.hasOwn(iterable, "controller") &&
    ["iterator", "tee", "toReadableStream"].every((name) =>
      readMethod(iterable, name) !== undefined
    );
}

/** Handles a step, or a promise of one. */
function seeAsyncStep(watchers: Watchers, step: unknown): void {
  onSettled(step, (result) => seeStep(watchers, result), (error) => watchers.fail(error));
}

/** Handles one `{ done, value }`. */
function seeStep(watchers: Watchers, step: unknown): void {
  if (typeof step !== "object" || step === null) return;
  const property = findProperty(step, "value");
  if (readData(step, "done")) watchers.end(property?.value);
  else watchers.chunk(property?.get === undefined ? property?.value : GETTER);
}

/** Streams of Node emit events for everything that happens to them, however they are read. */
function emitted(watchers: Watchers): Override {
  return (original) =>
    function (this: unknown, ...args: unknown[]): unknown {
      const [event, value] = args;
      if (event === "data") watchers.chunk(value);
      else if (event === "error") watchers.fail(value);
      else if (event === "end" || event === "close") watchers.end(undefined);
      return Reflect.apply(original, this, args);
    };
}
