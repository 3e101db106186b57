/**
 * `WeaveObject`: base class of objects that are saved and recorded as refs.
 *
 * @module
 */

import type { ObjectRef } from "./object_ref.ts";
import { isOp } from "../op/op_state.ts";
import { kindOf, markClass, markOf } from "./kind.ts";
import { GETTER, hasGetter, isProxy } from "../../protocol/json/object_facts.ts";
import { forgetSavedRef, savedRef, savingRef, setSavedRef } from "./saved_refs.ts";

/**
 * Options for {@linkcode WeaveObject}.
 *
 * @example
 * ```ts
 * import { StringPrompt, type WeaveObjectParameters } from "@weave-wal/client";
 *
 * const parameters: WeaveObjectParameters = { name: "greeting", description: "For every visitor" };
 * if (new StringPrompt({ ...parameters, content: "Hello" }).name !== "greeting") throw new Error();
 * ```
 */
export interface WeaveObjectParameters {
  /** Name of the object; default: the name of its class. */
  name?: string;
  /** Purpose of the object. Default: none. */
  description?: string;
}

/**
 * Base class of Weave objects. When an instance is published, or is the `this` of a traced method,
 * its public fields are saved and it is recorded as a ref.
 *
 * @example
 * ```ts
 * import { WeaveObject } from "@weave-wal/client";
 *
 * class Model extends WeaveObject {
 *   constructor(readonly temperature: number) {
 *     super({ name: "my-model" });
 *   }
 * }
 * if (new Model(0.5).name !== "my-model") throw new Error("The name is what was given");
 * ```
 */
export class WeaveObject {
  /** The common parameters. */
  protected _baseParameters: WeaveObjectParameters;

  /** Creates an object with a name and a description. */
  constructor(baseParameters: WeaveObjectParameters = {}) {
    this._baseParameters = baseParameters;
  }

  /** The ref of the object once it is saved; a promise while it is being saved. */
  get __savedRef(): ObjectRef | Promise<ObjectRef> | undefined {
    return (savedRef(this) ?? savingRef(this)) as ObjectRef | Promise<ObjectRef> | undefined;
  }

  /** If set to `undefined`, the next publish saves the object again. */
  set __savedRef(ref: ObjectRef | undefined) {
    if (ref) setSavedRef(this, ref);
    else forgetSavedRef(this);
  }

  /**
   * Returns the saved form: name, description, and every public field that is not a plain function.
   * Missing names and descriptions are `null`, because the Python SDK cannot read objects without
   * them.
   */
  saveAttrs(): Record<string, unknown> {
    const attrs: Record<string, unknown> = {
      name: this._baseParameters.name ?? null,
      description: this._baseParameters.description ?? null,
    };
    for (const key of Object.keys(this)) {
      if (key.startsWith("_")) continue;
      const value: unknown = hasGetter(this, key) ? GETTER : (this as Record<string, unknown>)[key];
      if (typeof value !== "function" || isOp(value)) attrs[key] = value;
    }
    return attrs;
  }

  /** Name of the object. */
  get name(): string {
    return this._baseParameters.name ?? classNameOf(Object.getPrototypeOf(this));
  }

  /** Description of the object. */
  get description(): string | undefined {
    return this._baseParameters.description;
  }
}

markClass(WeaveObject, "WeaveObject");

/** Returns whether a value is a {@linkcode WeaveObject}; a proxy is not. */
export function isWeaveObject(value: unknown): value is WeaveObject {
  return typeof value === "object" && value !== null && !isProxy(value) &&
    kindOf(value) === "WeaveObject";
}

/** Returns the name of the class with prototype `proto`; bundlers rename classes of the package. */
function classNameOf(proto: object): string {
  return markOf(proto) ?? proto.constructor.name;
}

/** Returns the names of an object's classes on the server: most derived first, `BaseModel` last. */
export function classChain(instance: WeaveObject): string[] {
  const names: string[] = [];
  let proto: object | null = Object.getPrototypeOf(instance);
  while (proto !== null && proto !== Object.prototype) {
    const name = classNameOf(proto);
    names.push(name === "WeaveObject" ? "Object" : name);
    proto = Object.getPrototypeOf(proto);
  }
  names.push("BaseModel");
  return names;
}
