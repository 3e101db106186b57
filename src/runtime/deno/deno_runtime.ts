/**
 * The adapter for Deno.
 *
 * @module
 */

import { builtin } from "../builtin_modules.ts";
import { coded, codedError, withCode } from "../coded_error.ts";
import { systemClock } from "../clock.ts";
import { denoProcess } from "./deno_process.ts";
import { denoGlobal, type DenoSlice } from "./deno_types.ts";
import { SCAN_CHUNK } from "../node/list_directory.ts";
import { nodeFiles } from "../node/node_fs.ts";
import { removeInBackground } from "../node/remove_in_background.ts";
import type { DirectoryEntry, FileSystem, Runtime } from "../runtime.ts";

/** A runtime over Deno's `node:fs`, with Deno's permissions in mind. */
export function denoRuntime(): Runtime {
  return {
    name: "deno",
    files: denoFiles(nodeFiles((_, directory) => scan(denoGlobal(), directory))),
    process: denoProcess(denoGlobal()),
    clock: systemClock,
  };
}

/** Refusals for want of a permission carry no `code` on Deno. */
function denoFiles(files: FileSystem): FileSystem {
  return {
    openAppend: (path) => coded(() => files.openAppend(path)),
    openRead: (path) => coded(() => files.openRead(path)),
    readText: (path, options) => coded(() => files.readText(path, options)),
    createExclusive: (path, text) => coded(() => files.createExclusive(path, text)),
    replace: (path, text) => coded(() => files.replace(path, text)),
    rename: (from, to) => coded(() => files.rename(from, to)),
    remove: (path) => coded(() => remove(path, files.stat, files.remove)),
    discard: (path) => coded(() => remove(path, files.stat, files.discard)),
    removeInBackground: (paths) => removeInBackground(unlinkFile, paths),
    removeDirectory: (path) => coded(() => files.removeDirectory(path)),
    list: (directory) => coded(() => files.list(directory)),
    scan: (directory) => files.scan(directory),
    stat: (path, options) => coded(() => files.stat(path, options)),
    exists: (path) => files.exists(path),
    makeDirectory: (path) => coded(() => files.makeDirectory(path)),
    truncate: (path, size) => coded(() => files.truncate(path, size)),
    syncDirectory: (path) =>
      files.syncDirectory(path).catch((error) => Promise.reject(withCode(error))),
    syncDirectoryNow: (path) => coded(() => files.syncDirectoryNow(path)),
  };
}

/** Scans with `Deno.readDir`, which alone does so off the event loop. */
async function* scan(
  deno: DenoSlice,
  directory: string,
): AsyncGenerator<readonly DirectoryEntry[], void, undefined> {
  let chunk: DirectoryEntry[] = [];
  try {
    for await (const { name, isFile, isDirectory, isSymlink } of deno.readDir(directory)) {
      const kind = isFile ? "file" : isDirectory ? "directory" : isSymlink ? "symlink" : "other";
      chunk.push({ name, kind });
      if (chunk.length < SCAN_CHUNK) continue;
      yield chunk;
      chunk = [];
    }
  } catch (error) {
    throw withCode(error);
  }
  if (chunk.length > 0) yield chunk;
}

/** Deno's unlink takes an empty directory away, where POSIX refuses. */
function remove(path: string, stat: FileSystem["stat"], unlink: (path: string) => void): void {
  if (stat(path)?.kind === "directory") throw directoryRefusal(path);
  unlink(path);
}

async function unlinkFile(path: string): Promise<void> {
  const { lstat, unlink } = builtin("node:fs").promises;
  try {
    if ((await lstat(path)).isDirectory()) throw directoryRefusal(path);
    await unlink(path);
  } catch (error) {
    throw withCode(error);
  }
}

function directoryRefusal(path: string): Error {
  return codedError("EISDIR", `Cannot remove a directory as a file: ${path}`);
}
