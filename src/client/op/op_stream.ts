/**
 * Calls whose result is a stream: they end when the stream does, and what runs in the stream has
 * the call as its parent.
 *
 * @module
 */

import { runInContext } from "./call_stack.ts";
import type { StreamReducer } from "./op_types.ts";
import type { TracedCall } from "./traced_call.ts";

/** The kinds of streams that are told apart. */
export type StreamKind = "generator" | "async-generator" | "readable" | "iterable";

/**
 * What kind of stream a result is. Generators always count; other things that can be iterated do
 * when there is a reducer for what they yield. `null` for everything else.
 */
export function asStream(result: object, reduced: boolean): StreamKind | null {
  try {
    const tag = (result as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
    if (tag === "Generator") return "generator";
    if (tag === "AsyncGenerator") return "async-generator";
    if (!reduced) return null;
    if (typeof ReadableStream === "function" && result instanceof ReadableStream) return "readable";
    return typeof (result as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === "function"
      ? "iterable"
      : null;
  } catch {
    return null;
  }
}

/** The stream as the caller gets it: the same chunks, and `call` ends with it. */
export function traceStream(
  kind: StreamKind,
  stream: object,
  call: TracedCall,
  reducer: StreamReducer<unknown, unknown> | undefined,
): object {
  const tap = new Tap(call, reducer);
  try {
    if (kind === "generator") return traceGenerator(stream as Generator, tap);
    if (kind === "async-generator") return traceAsyncGenerator(stream as AsyncGenerator, tap);
    if (kind === "readable") return traceReadable(stream as ReadableStream<unknown>, tap);
    return traceIterable(stream as AsyncIterable<unknown>, tap);
  } catch {
    // A stream that is locked or otherwise guarded is the caller's as it is.
    tap.end(null);
    return stream;
  }
}

/** Sees each chunk go by, and ends the call. */
class Tap {
  readonly #reducer: StreamReducer<unknown, unknown> | undefined;
  #state: unknown;
  #broken = false;

  constructor(readonly call: TracedCall, reducer: StreamReducer<unknown, unknown> | undefined) {
    this.#reducer = reducer;
    this.#guard((reducer) => this.#state = reducer.initialStateFn());
  }

  chunk(value: unknown): void {
    if (!this.call.ended) {
      this.#guard((reducer) => this.#state = reducer.reduceFn(this.#state, value));
    }
  }

  /** @param value What the output is where there is no reducer. */
  end(value: unknown): void {
    if (!this.call.ended) this.call.succeed(this.#output(value));
  }

  fail(error: unknown): void {
    if (!this.call.ended) this.call.fail(error, this.#output(null));
  }

  #output(value: unknown): unknown {
    if (!this.#reducer) return value;
    this.#guard((reducer) => reducer.finalizeFn(this.#state));
    return this.#state;
  }

  #guard(run: (reducer: StreamReducer<unknown, unknown>) => void): void {
    if (!this.#reducer || this.#broken) return;
    try {
      run(this.#reducer);
    } catch (error) {
      // The reader of the stream must not pay for a reducer's mistake.
      this.#broken = true;
      this.call.ender.complain("reducer-failed", "Cannot reduce a stream", error);
    }
  }
}

function traceGenerator(generator: Generator, tap: Tap): Generator {
  const step = (run: () => IteratorResult<unknown>): IteratorResult<unknown> => {
    let result: IteratorResult<unknown>;
    try {
      result = runInContext(tap.call, run);
    } catch (error) {
      tap.fail(error);
      throw error;
    }
    see(tap, result);
    return result;
  };
  return withMethods(generator, {
    next: (...args: unknown[]) => step(() => generator.next(...(args as [unknown]))),
    return: (value: unknown) => step(() => generator.return(value)),
    throw: (error: unknown) => step(() => generator.throw(error)),
  });
}

function traceAsyncGenerator(generator: AsyncGenerator, tap: Tap): AsyncGenerator {
  return withMethods(generator, {
    next: (...args: unknown[]) => asyncStep(tap, () => generator.next(...(args as [unknown]))),
    return: (value: unknown) => asyncStep(tap, () => generator.return(value)),
    throw: (error: unknown) => asyncStep(tap, () => generator.throw(error)),
  });
}

/** The generator with methods of its own; all else, its class included, is inherited from it. */
function withMethods<T extends object>(generator: T, methods: Record<string, unknown>): T {
  const descriptors: PropertyDescriptorMap = {};
  for (const [name, value] of Object.entries(methods)) {
    descriptors[name] = { value, writable: true, configurable: true };
  }
  return Object.create(generator, descriptors) as T;
}

async function asyncStep(
  tap: Tap,
  run: () => Promise<IteratorResult<unknown>>,
): Promise<IteratorResult<unknown>> {
  let result: IteratorResult<unknown>;
  try {
    result = await runInContext(tap.call, run);
  } catch (error) {
    tap.fail(error);
    throw error;
  }
  see(tap, result);
  return result;
}

function see(tap: Tap, result: IteratorResult<unknown>): void {
  if (result.done) tap.end(result.value);
  else tap.chunk(result.value);
}

function traceIterable(iterable: AsyncIterable<unknown>, tap: Tap): AsyncIterable<unknown> {
  const original = iterable[Symbol.asyncIterator];
  const value = (): AsyncIterableIterator<unknown> =>
    traceIterator(Reflect.apply(original, iterable, []), tap);
  try {
    // On the object itself: it stays what it is to `instanceof`, private fields and its methods.
    Object.defineProperty(iterable, Symbol.asyncIterator, {
      value,
      writable: true,
      configurable: true,
    });
    return iterable;
  } catch {
    return new Proxy(iterable, {
      get: (target, key) => key === Symbol.asyncIterator ? value : Reflect.get(target, key),
    });
  }
}

function traceIterator(
  iterator: AsyncIterator<unknown>,
  tap: Tap,
): AsyncIterableIterator<unknown> {
  return {
    next: (...args: unknown[]) => asyncStep(tap, () => iterator.next(...(args as [unknown]))),
    return: (value?: unknown) =>
      asyncStep(
        tap,
        () => iterator.return?.(value) ?? Promise.resolve({ done: true, value }),
      ),
    throw: (error?: unknown) =>
      asyncStep(tap, () => iterator.throw?.(error) ?? Promise.reject(error)),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function traceReadable(stream: ReadableStream<unknown>, tap: Tap): ReadableStream<unknown> {
  const reader = stream.getReader();
  return new ReadableStream<unknown>({
    async pull(controller) {
      try {
        const { done, value } = await runInContext(tap.call, () => reader.read());
        if (done) {
          tap.end(null);
          controller.close();
        } else {
          tap.chunk(value);
          controller.enqueue(value);
        }
      } catch (error) {
        tap.fail(error);
        controller.error(error);
      }
    },
    async cancel(reason) {
      tap.end(null);
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
