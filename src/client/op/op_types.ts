/**
 * Types of ops.
 *
 * @module
 */

import type { Call } from "../calls/call.ts";
import type { Summary } from "../calls/summary.ts";

/**
 * Any function at all. A constraint only: the types of what is traced stay what they are.
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
 * The chunks of what a function returns, where that is a stream or can be iterated.
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
 * Makes one output of the chunks of a stream.
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
   * Returns the state after a further chunk.
   *
   * @param state The state before the chunk.
   * @param chunk The next chunk.
   */
  reduceFn(state: R, chunk: T): R;
  /**
   * Called with the last state; may change it.
   *
   * @param state The last state.
   */
  finalizeFn(state: R): void;
}

/**
 * Options of {@linkcode op}.
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
  /** The op's name; the function's own unless given. */
  name?: string;
  /** Makes the call's output of the chunks of a stream; a list of the chunks unless given. */
  streamReducer?: StreamReducer<ChunkOf<T>, S>;
  /** The function whose name and source are recorded. Default: the one that is called. */
  originalFunction?: T;
  /** Names a single call, from its arguments. */
  callDisplayName?(...args: Parameters<T>): string;
  /**
   * Returns what goes into the call's summary, such as `{usage: {model: {…}}}`, from what is
   * recorded of the result: the last state of `streamReducer` where there is one.
   *
   * @param result The recorded output, or the last state of `streamReducer`.
   */
  summarize?(result: unknown extends S ? OutputOf<T> : S): Summary;
  /** The function's `this`. Default: that of the call. */
  bindThis?: object;
  /** Whether the op is a method put in place by a decorator. Default `false`. */
  isDecorator?: boolean;
  /** Whether `this` is recorded as the input `self`. Default `false`. */
  shouldAdoptThis?: boolean;
  /** Names of the arguments. Default `arg0`, `arg1`, …. */
  parameterNames?: ParameterNamesOption;
  /** Attributes of every call of this op. Default: none. */
  attributes?: Record<string, unknown>;
}

/** Options of the ops that this package makes itself. */
export interface OwnOpOptions extends OpOptions<AnyFunction> {
  /** Returns what is recorded in place of the result, which stays as it is. */
  toOutput?(result: unknown): unknown;
  /**
   * Whether the calls are recorded whatever the sampling says: an evaluation is whole or nothing.
   */
  alwaysRecorded?: boolean;
}

/**
 * Calls an op and gives its call along with its result.
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
 * Properties of an op besides those of a function.
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
  /** The op's name. */
  readonly __name: string;
  /** The function that it wraps. */
  readonly __wrappedFunction: T;
  /** The function's `this`, if bound. */
  readonly __boundThis?: object;
  /** Names of the arguments. */
  readonly __parameterNames?: ParameterNamesOption;
  /** Calls the op and gives its call along with its result. */
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
 * A decorator for methods of a kind, in both forms that TypeScript knows.
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
 * The context of a standard method decorator, as far as it is used.
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
  /** `"method"`; everything else is refused. */
  readonly kind: string;
  /** The method's name. */
  readonly name: string | symbol;
  /** Whether it is a method of the class itself. */
  readonly static?: boolean;
  /**
   * Adds code that runs when the class, or an instance of it, is made.
   *
   * @param initializer Called with the class or the instance as `this`.
   */
  addInitializer?(initializer: (this: unknown) => void): void;
}
