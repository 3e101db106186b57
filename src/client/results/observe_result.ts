/**
 * Ends a call with its function's result, or with what the result produces: the value of a promise,
 * the chunks of a stream. The result itself is never replaced, called or read.
 *
 * @module
 */

import { isProxy } from "../../protocol/json/object_facts.ts";
import { observePromise } from "../../protocol/json/promises.ts";
import { kindOf } from "../objects/kind.ts";
import { awaited, isNativePromise, isThenable } from "./observe_promise.ts";
import { observeStream, streamKind } from "./observe_stream.ts";
import type { StreamReducer } from "../op/op_types.ts";
import { overrideMethods } from "../op/overrides.ts";
import { StreamOutput } from "./stream_output.ts";
import { ThenableOutput } from "./thenable_output.ts";
import type { TracedCall } from "../calls/traced_call.ts";
import { Watchers } from "./watchers.ts";

type Reducer = StreamReducer<unknown, unknown> | undefined;

/** Ends a call whose function returned `result`, immediately or later. Never throws. */
export function observeResult(result: unknown, call: TracedCall, reducer: Reducer): void {
  if (!isObject(result) || isProxy(result)) return call.succeed(result);
  if (isPlain(result) && !("then" in result)) return call.succeed(result);
  if (isNativePromise(result)) {
    const isObserved = observePromise(
      result,
      (value) => observeValue(value, call, reducer),
      (error) => call.fail(error),
    );
    if (!isObserved) call.succeed(result);
  } else if (isThenable(result)) observeThenable(result, call, reducer);
  else observeValue(result, call, reducer);
}

/** Ends a call with a value that is not a promise: immediately, or at the end of a stream. */
export function observeValue(value: unknown, call: TracedCall, reducer: Reducer): void {
  if (!isObject(value) || isProxy(value) || isPlain(value)) return call.succeed(value);
  const kind = kindOf(value) === undefined ? streamKind(value) : undefined;
  if (kind === undefined) return call.succeed(value);
  const output = new StreamOutput(call, reducer, describe(value, call));
  if (!observeStream(kind, value, call, output)) output.abandon();
}

function observeThenable(thenable: object, call: TracedCall, reducer: Reducer): void {
  const output = new ThenableOutput(call, describe(thenable, call), (value) => {
    observeValue(value, call, reducer);
  });
  const isObserved = Watchers.add(thenable, output, (watchers) =>
    overrideMethods(
      thenable,
      awaited(thenable, (value) => watchers.end(value), (error) => watchers.fail(error)),
    ));
  if (!isObserved) output.abandon();
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Fast path: most results are plain data. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Array.prototype ||
    ((prototype === Object.prototype || prototype === null) && !(Symbol.asyncIterator in value));
}

/** Maximum characters of the description of a stream or a thenable. */
const MAX_DESCRIPTION = 1000;

function describe(value: object, call: TracedCall): string {
  return call.sink.encode(value, MAX_DESCRIPTION);
}
