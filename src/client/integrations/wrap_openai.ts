/**
 * `wrapOpenAI`: an OpenAI client whose requests are traced.
 *
 * @module
 */

import { shared } from "../../runtime/process/shared_state.ts";
import type { AnyFunction } from "../op/op_types.ts";
import { HELPERS, TRACED_METHODS } from "./openai_methods.ts";
import { overlay } from "./overlay.ts";

/**
 * The part of an OpenAI client that distinguishes it from other objects.
 *
 * @example
 * ```ts
 * import { type OpenAIClient, wrapOpenAI } from "@weave-wal/client";
 *
 * const traced = <T extends OpenAIClient>(client: T): T => wrapOpenAI(client);
 * traced({ chat: { completions: {} } });
 * ```
 */
export interface OpenAIClient {
  /** Chat completions. */
  readonly chat: { readonly completions: object };
}

/** Wrapped clients, so that each is traced only once. */
const wrapped = shared("wrapped-openai", () => new WeakSet<object>());

/**
 * Returns an OpenAI client whose requests are traced as ops: chat completions (complete, streamed
 * and parsed), responses, images and embeddings, and requests of the helpers `stream` and
 * `runTools`.
 *
 * The client itself is not changed. The methods return what the client's own methods return, so
 * `withResponse()`, `asResponse()`, `tee()` and `controller` work. Streamed chat completions are
 * requested with `stream_options.include_usage`.
 *
 * @param openai A client of the package `openai`.
 *
 * @example
 * ```ts
 * import { wrapOpenAI } from "@weave-wal/client";
 *
 * // new OpenAI() in a program
 * const openai = wrapOpenAI({
 *   chat: { completions: { create: async (params: { model: string }) => ({ ...params }) } },
 * });
 * const { model } = await openai.chat.completions.create({ model: "gpt-4o-mini" });
 * if (model !== "gpt-4o-mini") throw new Error("The client's own result is returned");
 * ```
 */
export function wrapOpenAI<T extends OpenAIClient>(openai: T): T {
  if (wrapped.has(openai)) return openai;
  const client: T = overlayAt(openai, [], () => client);
  wrapped.add(client);
  return client;
}

/**
 * Returns the object at `path` of a client, with its methods traced and nested objects overlaid.
 */
function overlayAt<T extends object>(target: T, path: readonly string[], client: () => object): T {
  const replacements = new Map<PropertyKey, unknown>();
  for (const key of keysBelow(path)) {
    const value: unknown = Reflect.get(target, key);
    if (typeof value !== "object" || value === null) continue;
    replacements.set(key, overlayAt(value, [...path, key], client));
  }
  for (const { resource, name, trace } of TRACED_METHODS) {
    const original = isAt(resource, path) ? methodOf(target, name) : undefined;
    if (original !== undefined) replacements.set(name, bound(trace(original), target));
  }
  for (const { resource, name } of HELPERS) {
    const original = isAt(resource, path) ? methodOf(target, name) : undefined;
    if (original === undefined) continue;
    // The helper makes its requests with the client, here the traced one.
    const self = () => overlay(target, new Map([["_client", client()]]));
    replacements.set(name, (...args: unknown[]) => Reflect.apply(original, self(), args));
  }
  const withOptions = path.length === 0 ? methodOf(target, "withOptions") : undefined;
  if (withOptions !== undefined) {
    replacements.set(
      "withOptions",
      (...args: unknown[]) => wrapOpenAI(Reflect.apply(withOptions, target, args) as OpenAIClient),
    );
  }
  return overlay(target, replacements);
}

/** Returns the next keys from `path` to resources with traced methods. */
function keysBelow(path: readonly string[]): Set<string> {
  const below = TRACED_METHODS.filter(({ resource }) =>
    resource.length > path.length && path.every((key, i) => resource[i] === key)
  );
  return new Set(below.map(({ resource }) => resource[path.length]));
}

function isAt(resource: readonly string[], path: readonly string[]): boolean {
  return resource.length === path.length && resource.every((key, i) => path[i] === key);
}

function methodOf(target: object, name: string): AnyFunction | undefined {
  const value: unknown = Reflect.get(target, name);
  return typeof value === "function" ? value as AnyFunction : undefined;
}

/** Returns a method that always runs on `target`, and keeps its own properties. */
function bound(method: AnyFunction, target: object): AnyFunction {
  return new Proxy(method, { apply: (_, _self, args) => Reflect.apply(method, target, args) });
}
