/**
 * `op`: turns a function into a traced function.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import { isPromise } from "../../protocol/json/object_facts.ts";
import { promisePrototype } from "../../protocol/json/promises.ts";
import { runInContext } from "../calls/call_stack.ts";
import type { Call } from "../calls/call.ts";
import { globalRecorder } from "../global_client.ts";
import { noteOwnOp, reportOwnOp } from "../mixed_packages.ts";
import { decorateLegacy, decorateMethod, type OpMaker } from "./op_decorators.ts";
import { opName } from "./op_name.ts";
import { isAsyncFunction, keepProperties } from "./op_function.ts";
import { observeResult, observeValue } from "../results/observe_result.ts";
import type { AnyClass, InstanceMaker, OpClass } from "./class_types.ts";
import type {
  AnyFunction,
  MethodDecoratorContext,
  Op,
  OpDecorator,
  OpOptions,
} from "./op_types.ts";
import { type OpState, setOpState } from "./op_state.ts";
import { LazyCall, type TracedCall } from "../calls/traced_call.ts";

/**
 * Returns a traced function: each call is recorded with its inputs, output or error, times, and
 * position in the call tree.
 *
 * The traced function returns and throws what `fn` does, and is synchronous if `fn` is. If no
 * client is initialized, or `WEAVE_DISABLED` is set, calls are plain function calls.
 *
 * Other forms: `op(thisArg, method, options)`, and `@op` and `@op({...})` on methods.
 *
 * @param fn The function to trace.
 * @param options See {@linkcode OpOptions}.
 *
 * @example
 * ```ts
 * import { op } from "@weave-wal/client";
 *
 * const add = op(function add(a: number, b: number) {
 *   return a + b;
 * });
 * if (add(1, 2) !== 3) throw new Error("An op returns what its function returns");
 * ```
 */
export function op<T extends AnyFunction, S = unknown>(fn: T, options?: OpOptions<T, S>): Op<T>;
/**
 * Returns a traced class: each `new` is recorded as a call, with its arguments as inputs and the
 * instance as output. Instances and derived classes are the same as those of the class itself. To
 * trace methods, decorate them.
 *
 * @param fn The class to trace.
 * @param options See {@linkcode OpOptions}.
 */
export function op<C extends AnyClass>(
  fn: C,
  // The context of a class decorator is none.
  options?: OpOptions<InstanceMaker<C>> & { kind?: never },
): OpClass<C>;
/**
 * Returns a traced method, bound to its object, which is recorded as the input `self`.
 *
 * @param thisArg The object that the method is bound to.
 * @param fn The method to trace.
 * @param options See {@linkcode OpOptions}.
 */
export function op<T extends AnyFunction, S = unknown>(
  thisArg: object,
  fn: T,
  options?: OpOptions<T, S>,
): Op<T>;
/**
 * Decorates a method with `experimentalDecorators`.
 *
 * @param target The class's prototype, or the class for a static method.
 * @param propertyKey Name of the method.
 * @param descriptor Descriptor of the method.
 */
export function op<T>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
): TypedPropertyDescriptor<T>;
/**
 * Decorates a method with standard decorators.
 *
 * @param method The method to trace.
 * @param context The decorator's context; see {@linkcode MethodDecoratorContext}.
 */
export function op<T extends AnyFunction>(method: T, context: MethodDecoratorContext): Op<T>;
/**
 * Returns a decorator for methods.
 *
 * @param options See {@linkcode OpOptions}.
 */
export function op(options: OpOptions<AnyFunction>): OpDecorator;
export function op(...args: unknown[]): unknown {
  const [first, second, third] = args;
  if (isMethodContext(args)) return decorateMethod(makeOp, first as AnyFunction, second as never);
  if (isLegacyDecoration(args)) {
    return decorateLegacy(makeOp, first as object, second as string, third as never);
  }
  if (args.length === 1 && typeof first === "object" && first !== null) {
    const options = first as OpOptions<AnyFunction>;
    return (...decorated: unknown[]) => {
      if (isMethodContext(decorated)) {
        return decorateMethod(makeOp, decorated[0] as AnyFunction, decorated[1] as never, options);
      }
      if (isLegacyDecoration(decorated)) {
        return decorateLegacy(
          makeOp,
          decorated[0] as object,
          decorated[1] as string,
          decorated[2] as never,
          options,
        );
      }
      throw new WeaveWalError(
        "ERR_INVALID_OPTION",
        "Cannot decorate this: op is a decorator for methods only",
      );
    };
  }
  if (typeof second === "function") {
    const thisArg = first as object;
    const method = second as AnyFunction;
    const given = third as OpOptions<AnyFunction> | undefined;
    // The method is always called with `thisArg`, unless the op must use the `this` of each call.
    const fn = given?.shouldAdoptThis ? method.bind(thisArg as never) as AnyFunction : method;
    return makeOp(fn, { ...given, originalFunction: method, bindThis: thisArg }).wrapper;
  }
  if (typeof first !== "function") {
    throw new WeaveWalError(
      "ERR_INVALID_OPTION",
      `Expected a function, got ${typeof first}`,
    );
  }
  return makeOp(first as AnyFunction, (typeof second === "object" && second) || {}).wrapper;
}

function isMethodContext(args: unknown[]): boolean {
  const context = args[1];
  return args.length === 2 && typeof context === "object" && context !== null && "kind" in context;
}

function isLegacyDecoration(args: unknown[]): boolean {
  const [target, key, descriptor] = args;
  return args.length === 3 && (typeof target === "object" || typeof target === "function") &&
    (typeof key === "string" || typeof key === "symbol") && typeof descriptor === "object";
}

const { then } = promisePrototype;

/** Creates an op; shared by the public {@linkcode op} and the integrations. */
export const makeOp: OpMaker = (fn, options, name) => {
  const state: OpState = {
    name: name ?? opName(fn, options),
    fn: fn as OpState["fn"],
    original: options.originalFunction ?? fn,
    isAsync: isAsyncFunction(fn),
    options,
    savedBy: null,
    savedText: "",
  };
  noteOwnOp();
  const adopts = options.isDecorator === true || options.shouldAdoptThis === true;
  const { bindThis } = options;

  function wrapper(this: unknown, ...params: unknown[]): unknown {
    if (new.target !== undefined) {
      return construct(state, params, new.target === wrapper ? state.fn : new.target);
    }
    const recorder = globalRecorder();
    if (recorder === null) return Reflect.apply(state.fn, adopts ? this : bindThis ?? this, params);
    const self = adopts ? this : bindThis;
    const call = recorder.start(state, self, params, false);
    return call === null
      ? Reflect.apply(state.fn, self ?? this, params)
      : runTraced(state, call, self ?? this, params);
  }

  async function invoke(this: unknown, ...params: unknown[]): Promise<[unknown, Call]> {
    const self = adopts ? this : bindThis;
    const call = globalRecorder()?.start(state, self, params, true) ?? null;
    const result = call === null
      ? Reflect.apply(state.fn, self ?? this, params)
      : runTraced(state, call, self ?? this, params);
    return [await result, LazyCall.of(call)];
  }

  setOpState(wrapper, state);
  keepProperties(wrapper, state.original);
  Object.defineProperties(wrapper, {
    __isOp: { value: true },
    __name: { get: () => state.name },
    __wrappedFunction: { value: state.original },
    __boundThis: { value: bindThis },
    __parameterNames: { value: options.parameterNames },
    __savedRef: officialRef(state),
    invoke: { value: invoke },
  });
  return { wrapper: wrapper as unknown as Op<AnyFunction>, state };
};

/** Returns the property in which the official SDK stores the ref of a saved op. */
function officialRef(state: OpState): PropertyDescriptor {
  return {
    get: () => state.officialRef,
    set(ref: unknown) {
      state.officialRef = ref;
      reportOwnOp(state.name);
    },
  };
}

/**
 * Creates an instance as `new` on the op's function does.
 *
 * @param target The function, or a class that is derived from the op.
 */
// deno-lint-ignore ban-types -- any constructor
function construct(state: OpState, params: unknown[], target: Function): unknown {
  const call = globalRecorder()?.start(state, undefined, params, false) ?? null;
  if (call === null) return Reflect.construct(state.fn, params, target);
  let instance: unknown;
  try {
    instance = runInContext(call, Reflect.construct, state.fn, params, target);
  } catch (error) {
    call.fail(error);
    throw error;
  }
  // A derived class goes on constructing it, so it is not observed, even if it is a stream.
  call.succeed(instance);
  return instance;
}

function runTraced(
  state: OpState,
  call: TracedCall,
  thisArg: unknown,
  params: unknown[],
): unknown {
  const reducer = state.options.streamReducer;
  let result: unknown;
  try {
    result = runInContext(call, Reflect.apply, state.fn, thisArg, params);
  } catch (error) {
    call.fail(error);
    throw error;
  }
  // The promise of an async function belongs only to its caller. Replacing it preserves the
  // behavior of an unhandled rejection: the runtime reports it, or ends the program.
  if (state.isAsync && isPromise(result)) {
    return then.call(
      result,
      (value) => {
        observeValue(value, call, reducer);
        return value;
      },
      (error) => {
        call.fail(error);
        throw error;
      },
    );
  }
  observeResult(result, call, reducer);
  return result;
}
