/**
 * Traces the methods of an SDK's classes, for all clients created from them.
 *
 * @module
 */

import {
  ANTHROPIC_METHODS,
  type TracedClassMethod,
} from "../client/integrations/anthropic_methods.ts";
import { TRACED_METHODS } from "../client/integrations/openai_methods.ts";

/** An SDK that is instrumented. */
export interface Sdk {
  /** The package's name. */
  readonly name: string;
  /** Name of its main exported class. */
  readonly className: string;
  readonly methods: readonly TracedClassMethod[];
}

/** The SDKs that are instrumented. */
export const SDKS: readonly Sdk[] = [
  {
    name: "openai",
    className: "OpenAI",
    methods: TRACED_METHODS.map(({ resource, name, trace }) => ({
      path: resource.map((part) => part[0].toUpperCase() + part.slice(1)),
      name,
      trace,
    })),
  },
  { name: "@anthropic-ai/sdk", className: "Anthropic", methods: ANTHROPIC_METHODS },
];

/**
 * Traces the methods of the classes that a module of an SDK exports. Repeated calls have no effect.
 */
export function patchSdk(sdk: Sdk, exports: unknown): void {
  const main = member(exports, sdk.className) ?? member(exports, "default");
  for (const { path, name, trace } of sdk.methods) {
    const owner = path.reduce<unknown>(member, main);
    const prototype = member(owner, "prototype");
    const original = member(prototype, name);
    if (typeof original !== "function") continue;
    const method = trace(original as never);
    if (method === original) continue;
    Reflect.defineProperty(prototype as object, name, {
      value: method,
      writable: true,
      configurable: true,
      enumerable: false,
    });
  }
}

function member(owner: unknown, key: string): unknown {
  const isOwner = (typeof owner === "object" && owner !== null) || typeof owner === "function";
  return isOwner ? Reflect.get(owner, key) : undefined;
}
