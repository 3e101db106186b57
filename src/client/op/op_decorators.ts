/**
 * `@op` on methods, for legacy (`experimentalDecorators`) and standard decorators.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import { definingClass, memberName } from "./op_name.ts";
import type {
  AnyFunction,
  MethodDecoratorContext,
  Op,
  OpOptions,
  OwnOpOptions,
} from "./op_types.ts";
import type { OpState } from "./op_state.ts";

/** Creates an op from a function. */
export type OpMaker = (
  fn: AnyFunction,
  options: OwnOpOptions,
  name?: string,
) => { wrapper: Op<AnyFunction>; state: OpState };

/** Implements `@op` for standard decorators. */
export function decorateMethod(
  make: OpMaker,
  method: AnyFunction,
  context: MethodDecoratorContext,
  options: OpOptions<AnyFunction> = {},
): Op<AnyFunction> {
  if (context.kind !== "method") throw onlyMethods(context.kind);
  const name = options.name ?? String(context.name);
  const { wrapper, state } = make(
    method,
    { ...options, isDecorator: true, originalFunction: method },
    name,
  );
  if (options.name === undefined) {
    let named = false;
    // The class of a method is only known once the class or its first instance exists.
    context.addInitializer?.(function () {
      if (named) return;
      named = true;
      const owner = definingClass(this as object, context.name, wrapper);
      state.name = memberName(owner, String(context.name));
    });
  }
  return wrapper;
}

/** Implements `@op` for `experimentalDecorators`. */
export function decorateLegacy<T>(
  make: OpMaker,
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
  options: OpOptions<AnyFunction> = {},
): TypedPropertyDescriptor<T> {
  const method: unknown = descriptor?.value;
  if (typeof method !== "function") throw onlyMethods("property");
  const owner = typeof target === "function" ? target : target.constructor;
  const name = options.name ?? `${owner?.name || "anonymous"}.${String(key)}`;
  const { wrapper } = make(
    method as AnyFunction,
    { ...options, isDecorator: true, originalFunction: method as AnyFunction },
    name,
  );
  descriptor.value = wrapper as T;
  return descriptor;
}

function onlyMethods(kind: string): WeaveWalError {
  return new WeaveWalError(
    "ERR_INVALID_OPTION",
    `Cannot decorate a ${kind}: op is a decorator for methods only`,
  );
}
