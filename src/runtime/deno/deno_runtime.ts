/**
 * The adapter for Deno: its `node:fs` and `node:process`, within the permissions that were granted.
 *
 * @module
 */

import { builtin } from "../builtin_modules.ts";
import { systemClock } from "../clock.ts";
import type { Reach } from "../network/connections.ts";
import { httpFetch } from "../network/http_fetch.ts";
import { inChunks } from "../node/list_directory.ts";
import { nodeFiles } from "../node/node_fs.ts";
import { processFacts } from "../process/process_info.ts";
import type {
  ConnectionOptions,
  Fetch,
  FileSystem,
  OwnFetch,
  ProcessInfo,
  Runtime,
} from "../runtime.ts";
import type { DirectoryEntry } from "../file_types.ts";
import { type DenoEntry, denoGlobal, type DenoSlice } from "./deno_types.ts";

/** A runtime over the built-in modules of Node that Deno has. */
export function denoRuntime(): Runtime {
  const deno = denoGlobal();
  return {
    name: "deno",
    files: denoFiles(deno),
    process: denoProcess(deno),
    clock: systemClock,
    network: {
      backgroundFetch: (native, fallback, options) => denoFetch(deno, native, fallback, options),
    },
  };
}

/** A part of the source of Deno's own `fetch`, in several versions. */
const DENO_FETCH = /lazyFetch|op_?fetch|webidl/i;

/**
 * Deno's own `fetch` keeps the program alive until a request is answered, and so does the lookup of
 * a name. A connection that can be given up is made first: it needs no permission but the one for the
 * server, which a query to a name server would.
 */
function denoFetch(
  deno: DenoSlice,
  native: Fetch,
  fallback: Fetch,
  options: ConnectionOptions,
): OwnFetch {
  if (!DENO_FETCH.test(Function.prototype.toString.call(native))) return fallback;
  const reach: Reach = async (hostname, port, signal) =>
    (await deno.connect({ hostname, port, signal })).close();
  return httpFetch({ ...options, background: true, fallback, reach });
}

function denoFiles(deno: DenoSlice): FileSystem {
  return nodeFiles({
    scan: (_, directory) => inChunks(() => Promise.resolve(deno.readDir(directory)), toEntry),
    unlinksDirectories: true,
  });
}

function toEntry({ name, isFile, isDirectory, isSymlink }: DenoEntry): DirectoryEntry {
  const kind = isFile ? "file" : isDirectory ? "directory" : isSymlink ? "symlink" : "other";
  return { name, kind };
}

/** Without a permission the fact is unknown. Below `/proc` Deno requires all permissions. */
function denoProcess(deno: DenoSlice): ProcessInfo {
  return processFacts({
    granted: (permission, ask) => {
      try {
        // An ask beyond what is granted may stop the program at a prompt.
        const { state, partial } = deno.permissions.querySync(permission);
        return state === "granted" && !partial ? ask() : undefined;
      } catch {
        return undefined;
      }
    },
    events: {
      // The web's `beforeunload` comes before it, so what its listeners record is saved too.
      beforeExit: (fired) => void builtin("node:process").on("beforeExit", fired),
      // `process.on("exit")` does not fire at `Deno.exit`.
      exit: (fired) => addEventListener("unload", fired),
    },
  });
}
