/**
 * Detects a proxy in the environment that Node's `fetch` does not use.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { proxyFor } from "./proxy.ts";

/** Global keys of the dispatcher of Node's `fetch`, set once it was used or replaced. */
const DISPATCHERS = ["undici.globalDispatcher.1", "undici.globalDispatcher.2"];

/**
 * Returns a message about a proxy that requests to `url` will not use; `null` if there is none, or
 * if the runtime uses it: Deno and Bun always do, Node only if configured.
 */
export function unusedProxy(runtime: Runtime, url: string): string | null {
  if (runtime.name !== "node") return null;
  const { env } = runtime.process;
  const proxy = proxyFor(url, env);
  if (proxy === null || env("NODE_USE_ENV_PROXY") === "1" || hasOwnDispatcher()) return null;
  return `${proxy.variable} is set, but Node's fetch does not use it: requests to ${
    new URL(url).origin
  } go past the proxy. Set NODE_USE_ENV_PROXY=1 (Node 22.21, 24 and later); on an older Node call ` +
    "setGlobalDispatcher(new EnvHttpProxyAgent()) of undici 6 before init; or list the host in NO_PROXY";
}

/**
 * Returns whether the program, or an option of Node, put something else in the place of the plain
 * one.
 */
function hasOwnDispatcher(): boolean {
  return DISPATCHERS.some((name) => {
    const dispatcher = (globalThis as Record<symbol, object | undefined>)[Symbol.for(name)];
    return dispatcher !== undefined && dispatcher.constructor.name !== "Agent";
  });
}
