/**
 * Detects the official SDK's modules when they are loaded.
 *
 * The SDK is CommonJS on every runtime, regardless of what imports it: its inner modules are loaded
 * with `Module.prototype.require`, which the SDK itself replaces for its integrations. Therefore
 * the SDK need not be loaded here, every copy of it is detected, and a program without it has no
 * cost.
 *
 * @module
 */

import Module from "node:module";

/** The exports of the SDK's modules that are used. */
export interface SdkExports {
  /** `weaveClient.js`. */
  WeaveClient?: { prototype: object };
  /** `clientApi.js`. */
  init?: (...args: unknown[]) => Promise<unknown>;
  setGlobalClient?: unknown;
}

/** The part of the runtime's module system that is used. */
interface ModuleSystem {
  prototype: { require(this: { filename?: string }, id: string): unknown };
  _cache?: Record<string, { exports?: unknown } | undefined>;
}

const WANTED = /(?:^|[\\/])(?:weaveClient|clientApi)(?:\.[cm]?js)?$/;

/**
 * Calls `seen` with the exports of `weaveClient.js` and `clientApi.js`, whether already loaded or
 * loaded later; possibly more than once for the same module.
 *
 * @param seen `path` is the path of a file in the same folder.
 */
export function watchModules(seen: (exports: SdkExports, path: string) => void): void {
  const system = Module as unknown as ModuleSystem;
  const offer = (exports: unknown, path: string): void => {
    if (typeof exports === "object" && exports !== null) seen(exports, path);
  };
  for (const [path, module] of Object.entries(system._cache ?? {})) {
    if (WANTED.test(path)) offer(module?.exports, path);
  }
  const { require } = system.prototype;
  system.prototype.require = function (id) {
    const exports = require.call(this, id);
    if (typeof id === "string" && WANTED.test(id)) offer(exports, this.filename ?? id);
    return exports;
  };
}
