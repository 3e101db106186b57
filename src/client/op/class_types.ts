/**
 * Types of traced classes.
 *
 * @module
 */

import type { AnyFunction, OpFields } from "./op_types.ts";

/**
 * Any class. Only used as a constraint: traced classes keep their types.
 *
 * @example
 * ```ts
 * import type { AnyClass } from "@weave-wal/client";
 *
 * const nameOf = (made: AnyClass): string => made.name;
 * if (nameOf(Map) !== "Map") throw new Error();
 * ```
 */
// deno-lint-ignore no-explicit-any -- with `never`, no class with parameters would be accepted
export type AnyClass = abstract new (...args: any[]) => object;

/**
 * Function with the parameters of a class's constructor, which returns an instance.
 *
 * @example
 * ```ts
 * import type { InstanceMaker } from "@weave-wal/client";
 *
 * const parse: InstanceMaker<typeof URL> = (text) => new URL(text);
 * if (parse("https://wandb.ai").host !== "wandb.ai") throw new Error();
 * ```
 */
export type InstanceMaker<C extends AnyClass> = (
  ...args: ConstructorParameters<C>
) => InstanceType<C>;

/**
 * A traced class: `new` creates the same instances.
 *
 * @example
 * ```ts
 * import { op, type OpClass } from "@weave-wal/client";
 *
 * class Point {
 *   constructor(readonly x: number) {}
 * }
 * const TracedPoint: OpClass<typeof Point> = op(Point);
 * if (new TracedPoint(2).x !== 2) throw new Error("An op of a class creates its instances");
 * ```
 */
export type OpClass<C extends AnyClass> = C & Pick<OpFields<AnyFunction>, "__isOp" | "__name">;
