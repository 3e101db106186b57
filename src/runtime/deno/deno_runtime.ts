/**
 * The adapter for Deno, based on its `node:fs` and `node:process`. Uses only permissions that were
 * granted.
 *
 * @module
 */

import { builtin } from "../builtin_modules.ts";
import { systemClock } from "../clock.ts";
import { httpFetch } from "../network/http_fetch.ts";
import { inChunks } from "../node/list_directory.ts";
import { nodeFiles } from "../node/node_fs.ts";
import { processFacts } from "../process/process_info.ts";
import type { FileSystem } from "../file_system.ts";
import type { ConnectionOptions, Fetch, OwnFetch, ProcessInfo, Runtime } from "../runtime.ts";
import type { DirectoryEntry } from "../file_types.ts";
import { denoResolve } from "./deno_resolve.ts";
import { type DenoEntry, denoGlobal, type DenoSlice } from "./deno_types.ts";

/** Creates a runtime based on Deno's versions of Node's built-in modules. */
export function denoRuntime(): Runtime {
  const deno = denoGlobal();
  return {
    name: "deno",
    files: denoFiles(deno),
    process: denoProcess(deno),
    clock: systemClock,
    network: {
      fetch: (...args) => denoFetch(deno, false, ...args),
      backgroundFetch: (...args) => denoFetch(deno, true, ...args),
    },
  };
}

/** Part of the source of Deno's `fetch`, in several versions. */
const DENO_FETCH = /lazyFetch|op_?fetch|webidl/i;

/**
 * Replaces Deno's `fetch`, which keeps the program alive until a request is answered, and for which
 * Deno's own OpenTelemetry records spans.
 */
function denoFetch(
  deno: DenoSlice,
  background: boolean,
  native: Fetch,
  fallback: Fetch,
  options: ConnectionOptions,
): OwnFetch {
  if (!DENO_FETCH.test(Function.prototype.toString.call(native))) return fallback;
  const resolve = denoResolve(deno);
  return httpFetch({ ...options, background, fallback, resolve, hasTelemetry: true });
}

function denoFiles(deno: DenoSlice): FileSystem {
  return nodeFiles({
    scan: (_, directory) => inChunks(() => deno.readDir(directory), toEntry),
    unlinksDirectories: true,
  });
}

function toEntry({ name, isFile, isDirectory, isSymlink }: DenoEntry): DirectoryEntry {
  const kind = isFile ? "file" : isDirectory ? "directory" : isSymlink ? "symlink" : "other";
  return { name, kind };
}

/** Without a permission, the fact is unknown. Deno requires all permissions for `/proc`. */
function denoProcess(deno: DenoSlice): ProcessInfo {
  return processFacts({
    granted: (permission, ask) => {
      try {
        // A request beyond what is granted may stop the program at a prompt.
        const { state, partial } = deno.permissions.querySync(permission);
        return state === "granted" && !partial ? ask() : undefined;
      } catch {
        return undefined;
      }
    },
    events: {
      // The web's `beforeunload` fires earlier, so whatever its listeners record is saved too.
      beforeExit: (fired) => void builtin("node:process").on("beforeExit", fired),
      // `process.on("exit")` does not fire for `Deno.exit`.
      exit: (fired) => addEventListener("unload", fired),
    },
  });
}
