/**
 * The adapter for Deno.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import { inChunks } from "../node/list_directory.ts";
import { nodeFiles } from "../node/node_fs.ts";
import type { DirectoryEntry, Runtime } from "../runtime.ts";
import { denoProcess } from "./deno_process.ts";
import { type DenoEntry, denoGlobal } from "./deno_types.ts";

/** A runtime over Deno's `node:fs`, with Deno's permissions in mind. */
export function denoRuntime(): Runtime {
  const deno = denoGlobal();
  const files = nodeFiles({
    scan: (_, directory) => inChunks(() => Promise.resolve(deno.readDir(directory)), toEntry),
    unlinksDirectories: true,
  });
  return { name: "deno", files, process: denoProcess(deno), clock: systemClock };
}

function toEntry({ name, isFile, isDirectory, isSymlink }: DenoEntry): DirectoryEntry {
  const kind = isFile ? "file" : isDirectory ? "directory" : isSymlink ? "symlink" : "other";
  return { name, kind };
}
