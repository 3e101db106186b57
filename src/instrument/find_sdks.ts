/**
 * Finds the SDKs that a program uses: those that it loads with `require`, those that resolve from
 * its folder, and, if the runtime supports loaders, those that it imports.
 *
 * @module
 */

import Module, { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { loaderSource } from "./loader_source.ts";
import type { Sdk } from "./patch_sdk.ts";

/** Called with the exports of an SDK's module, possibly more than once. */
type Seen = (sdk: Sdk, exports: unknown) => void;

interface ModuleSystem {
  prototype: { require(this: unknown, id: string): unknown };
  _cache?: Record<string, { exports?: unknown } | undefined>;
  _resolveFilename?(id: string, parent: unknown): string;
  register?(specifier: string): void;
}

const system = Module as unknown as ModuleSystem;

/** Calls `seen` for modules of `sdks` loaded by `require`, both earlier and later. */
export function watchRequire(sdks: readonly Sdk[], seen: Seen): void {
  for (const [path, module] of Object.entries(system._cache ?? {})) {
    const sdk = sdks.find(({ name }) => isEntry(path, name));
    if (sdk) seen(sdk, module?.exports);
  }
  const { require } = system.prototype;
  system.prototype.require = function (id) {
    const exports = require.call(this, id);
    const sdk = sdks.find(({ name }) => id === name || isEntry(id, name));
    if (sdk) seen(sdk, exports);
    return exports;
  };
}

function isEntry(path: string, name: string): boolean {
  return path.replaceAll("\\", "/").endsWith(`/node_modules/${name}/index.js`);
}

/**
 * Calls `seen` for modules of `sdks` that are imported later, if the runtime supports loaders.
 * Includes copies nested in other packages.
 */
export function watchImports(sdks: readonly Sdk[], seen: Seen): void {
  if ("Deno" in globalThis || "Bun" in globalThis || system.register === undefined) return;
  const hook = Symbol.for("@weave-wal/client/instrument");
  (globalThis as Record<symbol, unknown>)[hook] = (name: string, exports: unknown) => {
    const sdk = sdks.find((one) => one.name === name);
    if (sdk) seen(sdk, exports);
  };
  const source = loaderSource(sdks.map(({ name }) => name));
  system.register(`data:text/javascript,${encodeURIComponent(source)}`);
}

/**
 * Loads the modules of `sdks` that resolve from the program's folder, and calls `seen` for them.
 */
export async function loadInstalled(sdks: readonly Sdk[], seen: Seen): Promise<void> {
  const resolve = createRequire(join(process.cwd(), "program.js")).resolve;
  for (const sdk of sdks) {
    let path: string;
    try {
      path = resolve(sdk.name);
    } catch {
      // Not installed.
      continue;
    }
    const url = pathToFileURL(path).href;
    for (const entry of new Set([url.replace(/\.js$/, ".mjs"), url])) {
      try {
        seen(sdk, await import(entry));
      } catch {
        // This version has no such module.
      }
    }
  }
}
