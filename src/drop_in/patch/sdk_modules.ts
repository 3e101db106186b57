/**
 * Sees the official SDK's modules as they are loaded.
 *
 * The SDK is CommonJS, on every host and whatever imports it: its inner modules come by
 * `Module.prototype.require`, which the SDK itself replaces for its integrations. So it is not
 * loaded for this, every copy of it is seen, and a program without it pays nothing.
 *
 * @module
 */

import Module from "node:module";

/** Exports of the SDK's modules as far as they are of use. */
export interface SdkExports {
  /** `weaveClient.js`. */
  WeaveClient?: { prototype: object };
  /** `clientApi.js`. */
  init?: (...args: unknown[]) => Promise<unknown>;
  setGlobalClient?: unknown;
}

/** The slice of the host's module system that is used. */
interface ModuleSystem {
  prototype: { require(this: { filename?: string }, id: string): unknown };
  _cache?: Record<string, { exports?: unknown } | undefined>;
}

const WANTED = /(?:^|[\\/])(?:weaveClient|clientApi)(?:\.[cm]?js)?$/;

/**
 * Calls `seen` with the exports of `weaveClient.js` and of `clientApi.js`, those that are loaded
 * already and those that will be; more than once for the same.
 *
 * @param seen `path` is that of a file of the same folder.
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
