/**
 * Observes how the program reads a web stream that an op returned. A stream that the runtime reads
 * itself, such as the body of a `Response`, cannot be observed.
 *
 * @module
 */

import { readMethod } from "../../protocol/json/object_facts.ts";
import { runInContext } from "../calls/call_stack.ts";
import { onSettled } from "./observe_promise.ts";
import { type Override, overrideMethods } from "../op/overrides.ts";
import type { TracedCall } from "../calls/traced_call.ts";
import { isLocked, isUnlockedWritable } from "./stream_locks.ts";
import type { Watchers } from "./watchers.ts";

/** Receives the chunks of a stream. */
type Sink = Pick<Watchers, "chunk" | "end" | "fail">;

/**
 * Starts observing; returns a function that stops it, or `undefined` if the stream cannot be
 * observed.
 */
export function observeReadable(
  stream: ReadableStream<unknown>,
  call: TracedCall,
  sink: Sink,
): (() => void) | undefined {
  const getReader = readMethod(stream, "getReader");
  if (getReader === undefined) return undefined;
  /** Returns a stream with the same chunks, observed as they pass, and a function that ends it. */
  const seen = () => {
    const reader = Reflect.apply(getReader, stream, []) as ReadableStreamDefaultReader<unknown>;
    const read = () => runInContext(call, () => reader.read());
    let isReleased = false;
    const through = readThrough(read, reader, {
      chunk: (value) => sink.chunk(value),
      end: (value) => sink.end(value),
      // A read that is released has not failed: the program may read on.
      fail: (error) => isReleased || sink.fail(error),
    });
    const release = () => {
      isReleased = true;
      reader.releaseLock();
    };
    return { through, release };
  };
  const calls = (original: (...args: never[]) => unknown, self: unknown, args: unknown[]) =>
    runInContext(call, Reflect.apply, original, self, args);
  const overrides: Record<string, Override> = {
    getReader: (original) =>
      function (this: unknown, ...args) {
        const reader = calls(original, this, args) as object;
        overrideMethods(reader, readerMethods(call, sink));
        return reader;
      },
    cancel: (original) =>
      function (this: unknown, ...args) {
        if (!isLocked(stream)) sink.end(undefined);
        return calls(original, this, args);
      },
    pipeTo: (original) =>
      function (this: unknown, ...args) {
        // The stream itself refuses, and stays unlocked.
        if (isLocked(stream) || !isUnlockedWritable(args[0])) return calls(original, this, args);
        const { through, release } = seen();
        return through.pipeTo(...(args as [WritableStream])).finally(release);
      },
    pipeThrough: (original) =>
      function (this: unknown, ...args) {
        if (isLocked(stream)) return calls(original, this, args);
        const { through, release } = seen();
        try {
          return through.pipeThrough(...(args as [ReadableWritablePair<unknown, unknown>]));
        } catch (error) {
          release();
          throw error;
        }
      },
    tee: (original) =>
      function (this: unknown, ...args) {
        const branches = calls(original, this, args) as ReadableStream<unknown>[];
        const first = firstOf(sink);
        for (const branch of branches) observeReadable(branch, call, first());
        return branches;
      },
  };
  const iterate: Override = (original) =>
    function (this: unknown, ...args) {
      const iterator = calls(original, this, args) as object;
      overrideMethods(iterator, readerMethods(call, sink, ["next", "return"]));
      return iterator;
    };
  return overrideMethods(
    stream,
    new Map<PropertyKey, Override>([
      ...Object.entries(overrides),
      ["values", iterate],
      [Symbol.asyncIterator, iterate],
    ]),
  );
}

function readerMethods(
  call: TracedCall,
  sink: Sink,
  names: readonly string[] = ["read"],
): Map<PropertyKey, Override> {
  const step: Override = (original) =>
    function (this: unknown, ...args) {
      const result = runInContext(call, Reflect.apply, original, this, args);
      onSettled(
        result,
        (step) => {
          const { done, value } = step as ReadableStreamReadResult<unknown>;
          if (done) sink.end(undefined);
          else sink.chunk(value);
        },
        (error) => sink.fail(error),
      );
      return result;
    };
  const cancel: Override = (original) =>
    function (this: unknown, ...args) {
      sink.end(undefined);
      return Reflect.apply(original, this, args);
    };
  return new Map([...names.map((name) => [name, step] as const), ["cancel", cancel]]);
}

/**
 * Both branches of a stream receive all its chunks: each chunk is reported by the branch that
 * receives it first.
 */
function firstOf(sink: Sink): () => Sink {
  let seen = 0;
  return () => {
    let own = 0;
    return {
      chunk(value) {
        if (++own > seen) {
          seen = own;
          sink.chunk(value);
        }
      },
      // Canceling one branch does not end the other.
      end: (value) => own === seen && sink.end(value),
      fail: (error) => sink.fail(error),
    };
  };
}

/** Returns a stream of the values that a reader reads. */
function readThrough(
  read: () => Promise<{ done: boolean; value?: unknown }>,
  reader: ReadableStreamDefaultReader<unknown>,
  sink: Sink,
): ReadableStream<unknown> {
  return new ReadableStream<unknown>({
    async pull(controller) {
      try {
        const { done, value } = await read();
        if (done) {
          sink.end(undefined);
          controller.close();
          reader.releaseLock();
        } else {
          sink.chunk(value);
          controller.enqueue(value);
        }
      } catch (error) {
        sink.fail(error);
        controller.error(error);
        reader.releaseLock();
      }
    },
    async cancel(reason) {
      sink.end(undefined);
      const canceled = reader.cancel(reason);
      reader.releaseLock();
      await canceled;
    },
  }, { highWaterMark: 0 });
}
