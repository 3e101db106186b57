/**
 * The adapter for Deno.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import { denoProcess } from "./deno_process.ts";
import { coded, denoGlobal, withCode } from "./deno_types.ts";
import { nodeFiles } from "../node/node_fs.ts";
import type { FileSystem, Runtime } from "../runtime.ts";

/** A runtime over Deno's `node:fs`, with Deno's permissions in mind. */
export function denoRuntime(): Runtime {
  return {
    name: "deno",
    files: denoFiles(nodeFiles()),
    process: denoProcess(denoGlobal()),
    clock: systemClock,
  };
}

/** Refusals for want of a permission carry no `code` on Deno. */
function denoFiles(files: FileSystem): FileSystem {
  return {
    openAppend: (path) => coded(() => files.openAppend(path)),
    openRead: (path) => coded(() => files.openRead(path)),
    readText: (path) => coded(() => files.readText(path)),
    createExclusive: (path, text) => coded(() => files.createExclusive(path, text)),
    replace: (path, text) => coded(() => files.replace(path, text)),
    rename: (from, to) => coded(() => files.rename(from, to)),
    remove: (path) => coded(() => remove(path, files.stat, files.remove)),
    discard: (path) => coded(() => remove(path, files.stat, files.discard)),
    removeDirectory: (path) => coded(() => files.removeDirectory(path)),
    list: (directory) => coded(() => files.list(directory)),
    stat: (path) => coded(() => files.stat(path)),
    exists: (path) => files.exists(path),
    makeDirectory: (path) => coded(() => files.makeDirectory(path)),
    truncate: (path, size) => coded(() => files.truncate(path, size)),
    syncDirectory: (path) =>
      files.syncDirectory(path).catch((error) => Promise.reject(withCode(error))),
    syncDirectoryNow: (path) => coded(() => files.syncDirectoryNow(path)),
  };
}

/** Deno's unlink takes an empty directory away, where POSIX refuses. */
function remove(path: string, stat: FileSystem["stat"], unlink: (path: string) => void): void {
  if (stat(path)?.kind === "directory") {
    throw Object.assign(new Error(`Cannot remove a directory as a file: ${path}`), {
      code: "EISDIR",
    });
  }
  unlink(path);
}
