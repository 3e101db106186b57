/**
 * Types of ops.
 *
 * @module
 */

import type { Call } from "../calls/call.ts";
import type { Summary } from "../calls/summary.ts";

/**
 * Any function. Only used as a constraint: traced functions keep their types.
 *
 * @example
 * ```ts
 * import type { AnyFunction } from "@weave-wal/client";
 *
 * const twice = <T extends AnyFunction>(fn: T): T[] => [fn, fn];
 * twice((text: string) => text.length);
 * ```
 */
// deno-lint-ignore no-explicit-any -- with `never`, arguments without types would be `never`
export type AnyFunction = (...args: any[]) => unknown;

/**
 * Names of the arguments: a list, or the keys of the first argument.
 *
 * @example
 * ```ts
 * import { op, type ParameterNamesOption } from "@weave-wal/client";
 *
 * const parameterNames: ParameterNamesOption = ["first", "second"];
 * op((a: number, b: number) => a + b, { name: "add", parameterNames })(1, 2);
 * ```
 */
export type ParameterNamesOption = "useParam0Object" | string[] | undefined;

/**
 * Type of the chunks that a function returns, if it returns a stream or another iterable.
 *
 * @example
 * ```ts
 * import type { ChunkOf } from "@weave-wal/client";
 *
 * async function* words() {
 *   yield "a";
 * }
 * const chunk: ChunkOf<typeof words> = "b";
 * if (chunk.length !== 1) throw new Error(chunk);
 * ```
 */
export type ChunkOf<T extends AnyFunction> = Awaited<ReturnType<T>> extends AsyncIterable<infer U>
  ? U
  : Awaited<ReturnType<T>> extends Iterable<infer V> ? V
  : unknown;

/**
 * Recorded output of a function: its value; for a generator its return value, or the list of
 * its chunks if it returns nothing; for another stream the list of its chunks.
 *
 * @example
 * ```ts
 * import type { OutputOf } from "@weave-wal/client";
 *
 * function* numbers(): Generator<number, void> {
 *   yield 1;
 * }
 * const output: OutputOf<typeof numbers> = [1];
 * if (output.length !== 1) throw new Error("A generator's output is the list of its chunks");
 * ```
 */
export type OutputOf<T extends AnyFunction> = Awaited<ReturnType<T>> extends infer R
  ? R extends Generator<infer U, infer V> | AsyncGenerator<infer U, infer V>
    ? U[] | Exclude<V, undefined | void>
  : R extends AsyncIterable<infer U> ? U[]
  : R
  : never;

/**
 * Builds one output from the chunks of a stream.
 *
 * @example
 * ```ts
 * import { op, type StreamReducer } from "@weave-wal/client";
 *
 * const join: StreamReducer<string, { text: string }> = {
 *   initialStateFn: () => ({ text: "" }),
 *   reduceFn: (state, chunk) => ({ text: state.text + chunk }),
 *   finalizeFn: () => {},
 * };
 * const words = op(async function* words() {
 *   yield "a";
 * }, { streamReducer: join });
 * for await (const word of words()) if (word !== "a") throw new Error(word);
 * ```
 */
export interface StreamReducer<T, R> {
  /** Returns the state before the first chunk. */
  initialStateFn(): R;
  /**
   * Returns the state after a chunk.
   *
   * @param state The state before the chunk.
   * @param chunk The next chunk.
   */
  reduceFn(state: R, chunk: T): R;
  /**
   * Called with the final state; may change it.
   *
   * @param state The final state.
   */
  finalizeFn(state: R): void;
}

/**
 * Options for {@linkcode op}.
 *
 * @example
 * ```ts
 * import { op, type OpOptions } from "@weave-wal/client";
 *
 * const ask = (question: string) => ({ text: `You asked: ${question}`, tokens: 3 });
 * const options: OpOptions<typeof ask> = {
 *   name: "ask",
 *   callDisplayName: (question) => `ask: ${question}`,
 *   summarize: ({ tokens }) => ({ usage: { "my-model": { completion_tokens: tokens } } }),
 * };
 * op(ask, options)("why?");
 * ```
 */
export interface OpOptions<T extends AnyFunction, S = unknown> {
  /** Name of the op; default: the function's name. */
  name?: string;
  /** Builds the call's output from the chunks of a stream; default: a list of the chunks. */
  streamReducer?: StreamReducer<ChunkOf<T>, S>;
  /** Function whose name and source are recorded. Default: the traced function. */
  originalFunction?: T;
  /** Returns the display name of a call, from its arguments. */
  callDisplayName?(...args: Parameters<T>): string;
  /**
   * Returns values for the call's summary, such as `{usage: {model: {…}}}`, from the recorded
   * output or the final state of `streamReducer`.
   *
   * @param result The recorded output, or the final state of `streamReducer`.
   */
  summarize?(result: unknown extends S ? OutputOf<T> : S): Summary;
  /** The function's `this`. Default: that of the call. */
  bindThis?: object;
  /** Whether the op is a method created by a decorator. Default `false`. */
  isDecorator?: boolean;
  /** Records `this` as the input `self`. Default `false`. */
  shouldAdoptThis?: boolean;
  /** Names of the arguments. Default `arg0`, `arg1`, …. */
  parameterNames?: ParameterNamesOption;
  /** Attributes of every call of this op. Default: none. */
  attributes?: Record<string, unknown>;
}

/** Options for the ops that this package creates itself. */
export interface OwnOpOptions extends OpOptions<AnyFunction> {
  /** Returns the value to record instead of the result; the result itself is unchanged. */
  toOutput?(result: unknown): unknown;
  /**
   * Records the calls regardless of sampling: an evaluation is recorded completely or not
   * at all.
   */
  alwaysRecorded?: boolean;
}

/**
 * Calls an op, and returns its result and its call.
 *
 * @example
 * ```ts
 * import { type CallMethod, op } from "@weave-wal/client";
 *
 * const add = op((a: number, b: number) => a + b, { name: "add" });
 * const invoke: CallMethod<(a: number, b: number) => number> = add.invoke;
 * const [sum] = await invoke(1, 2);
 * if (sum !== 3) throw new Error(String(sum));
 * ```
 */
export type CallMethod<T extends AnyFunction> = (
  ...args: Parameters<T>
) => Promise<[Awaited<ReturnType<T>>, Call]>;

/**
 * Properties of an op, in addition to those of a function.
 *
 * @example
 * ```ts
 * import { op } from "@weave-wal/client";
 *
 * const length = op((text: string) => text.length, { name: "length" });
 * if (length.__name !== "length") throw new Error(length.__name);
 * ```
 */
export interface OpFields<T extends AnyFunction> {
  /** Always `true`. */
  readonly __isOp: true;
  /** Name of the op. */
  readonly __name: string;
  /** The wrapped function. */
  readonly __wrappedFunction: T;
  /** The function's `this`, if bound. */
  readonly __boundThis?: object;
  /** Names of the arguments. */
  readonly __parameterNames?: ParameterNamesOption;
  /** Calls the op, and returns its result and its call. */
  readonly invoke: CallMethod<T>;
}

/**
 * A traced function: called like the function that it wraps, with the same results.
 *
 * @example
 * ```ts
 * import { type Op, op } from "@weave-wal/client";
 *
 * const length: Op<(text: string) => number> = op((text: string) => text.length, { name: "length" });
 * if (length("four") !== 4) throw new Error("An op is called like its function");
 * ```
 */
export type Op<T extends AnyFunction> = T & OpFields<T>;

/**
 * A decorator for methods, in both of TypeScript's forms.
 *
 * @example
 * ```ts
 * import { op } from "@weave-wal/client";
 *
 * class Search {
 *   @op
 *   find(text: string) {
 *     return [text];
 *   }
 * }
 * if (new Search().find("a").length !== 1) throw new Error("A decorated method works as before");
 * ```
 */
export interface OpDecorator<F extends AnyFunction = AnyFunction> {
  <T extends F>(method: T, context: MethodDecoratorContext): Op<T>;
  <T>(
    target: object,
    propertyKey: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): TypedPropertyDescriptor<T>;
}

/**
 * The part of the context of a standard method decorator that is used.
 *
 * @example
 * ```ts
 * import { op, type MethodDecoratorContext } from "@weave-wal/client";
 *
 * const traced = <T extends (...args: never[]) => unknown>(
 *   method: T,
 *   context: MethodDecoratorContext,
 * ) => op(method as (...args: never[]) => unknown, { name: String(context.name) });
 * if (typeof traced !== "function") throw new Error();
 * ```
 */
export interface MethodDecoratorContext {
  /** `"method"`; other kinds are rejected. */
  readonly kind: string;
  /** Name of the method. */
  readonly name: string | symbol;
  /** Whether it is a static method. */
  readonly static?: boolean;
  /**
   * Adds code that runs when the class, or an instance of it, is created.
   *
   * @param initializer Called with the class or the instance as `this`.
   */
  addInitializer?(initializer: (this: unknown) => void): void;
}
