/**
 * The adapters for Node and Bun.
 *
 * @module
 */

import { builtin } from "../builtin_modules.ts";
import { systemClock } from "../clock.ts";
import { processFacts } from "../process/process_info.ts";
import type { ConnectionOptions, Fetch, OwnFetch, ProcessInfo, Runtime } from "../runtime.ts";
import { scanListing, scanStream } from "./list_directory.ts";
import { isSocks } from "../network/connections.ts";
import { httpFetch } from "../network/http_fetch.ts";
import { resolveName } from "./name_servers.ts";
import { nodeFetch } from "./node_connections.ts";
import { nodeFiles } from "./node_fs.ts";

/** Creates a runtime based on Node's built-in modules. */
export function nodeRuntime(): Runtime {
  return {
    name: "node",
    files: nodeFiles({ scan: scanStream }),
    process: nodeProcess(),
    clock: systemClock,
    network: {
      fetch: (...args) => nodeFetch(false, ...args),
      backgroundFetch: (...args) => nodeFetch(true, ...args),
    },
  };
}

/** Creates a runtime based on Bun's built-in modules. */
export function bunRuntime(): Runtime {
  const files = nodeFiles({ scan: scanListing });
  return {
    name: "bun",
    files,
    process: nodeProcess(),
    clock: systemClock,
    network: {
      fetch: (...args) => bunFetch(false, ...args),
      backgroundFetch: (...args) => bunFetch(true, ...args),
    },
  };
}

/** Replaces Bun's `fetch`, which keeps the program alive until a request is answered. */
function bunFetch(
  background: boolean,
  native: Fetch,
  fallback: Fetch,
  options: ConnectionOptions,
): OwnFetch {
  const isBuns = Function.prototype.toString.call(native).includes("[native code]");
  if (!isBuns) return fallback;
  const direct = httpFetch({ ...options, background, fallback, resolve: resolveName });
  if (background) return direct;
  // Bun's own is faster, but does not speak SOCKS.
  return (url, init) => {
    const proxy = options.proxyFor(new URL(url).origin);
    return proxy !== null && isSocks(new URL(proxy)) ? direct(url, init) : native(url, init);
  };
}

function nodeProcess(): ProcessInfo {
  const process = builtin("node:process");
  return processFacts({
    granted: (_, ask) => {
      try {
        return ask();
      } catch {
        return undefined; // Missing, or denied by Node's permission model.
      }
    },
    events: {
      beforeExit: (fired) => void process.on("beforeExit", fired),
      exit: (fired) => void process.on("exit", fired),
    },
  });
}
