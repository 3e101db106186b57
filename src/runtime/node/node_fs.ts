/**
 * A file system based on `node:fs`, which Node, Bun and Deno all provide.
 *
 * @module
 */

import { dirname } from "@std/path";
import { hasCode } from "../../errors.ts";
import { builtin } from "../builtin_modules.ts";
import { coded, codedError, withCode } from "../coded_error.ts";
import type { FileSystem } from "../file_system.ts";
import type { FileStat, StatOptions } from "../file_types.ts";
import { kindOf, type Kinds, list, type Scan } from "./list_directory.ts";
import { openAppend, openRead } from "./open_file.ts";
import { type Fs, openRegular, readText } from "./regular_file.ts";
import { syncDirectory, syncDirectoryNow } from "./sync.ts";

/** Differences between runtimes. */
export interface NodeFilesOptions {
  /** Scans a directory in the best way for this runtime. */
  readonly scan: (fs: Fs, directory: string) => Scan;
  /** Whether `unlink` removes empty directories, contrary to POSIX. */
  readonly unlinksDirectories?: boolean;
}

/** Creates a file system based on `node:fs`. */
export function nodeFiles({ scan, unlinksDirectories = false }: NodeFilesOptions): FileSystem {
  let loaded: Fs | undefined;
  const fs = () => loaded ??= builtin("node:fs");
  const unlink = (path: string) => {
    if (unlinksDirectories) refuseDirectory(fs().lstatSync(path), path);
    fs().unlinkSync(path);
  };
  const unlinkInBackground = async (path: string) => {
    if (unlinksDirectories) refuseDirectory(await fs().promises.lstat(path), path);
    await fs().promises.unlink(path);
  };
  return withCodes({
    openAppend: (path) => openAppend(fs(), path),
    openRead: (path) => openRead(fs(), path),
    readText: (path, options) => readText(fs(), path, options),
    createExclusive: (path, text) => writeNew(fs(), path, text),
    replace: (path, text) => replace(fs(), path, text),
    overwrite: (path, text) => overwrite(fs(), path, text),
    rename: (from, to) => fs().renameSync(from, to),
    remove: unlink,
    discard: (path) => discard(fs(), path, unlink),
    removeInBackground: (paths) => removeInBackground(paths, unlinkInBackground),
    removeDirectory: (path) => fs().rmdirSync(path),
    list: (directory) => list(fs(), directory),
    scan: (directory) => scan(fs(), directory),
    stat: (path, options) => stat(fs(), path, options),
    exists: (path) => fs().existsSync(path),
    makeDirectory: (path) => makeDirectory(fs(), path),
    syncDirectory: (path) => syncDirectory(fs(), path),
    syncDirectoryNow: (path) => syncDirectoryNow(fs(), path),
  });
}

/** Wraps a file system so that every error has a POSIX code. */
function withCodes(files: FileSystem): FileSystem {
  const methods = Object.entries(files).map(([name, method]) => [
    name,
    (...args: unknown[]) => coded(() => method(...args)),
  ]);
  return Object.fromEntries(methods) as FileSystem;
}

function refuseDirectory(found: Kinds, path: string): void {
  if (found.isDirectory()) {
    throw codedError("EISDIR", `Cannot remove a directory as a file: ${path}`);
  }
}

/**
 * Deletes a file without blocking. Closing the last descriptor of a deleted file frees its space;
 * that happens on the runtime's threads (on Deno, which has none for this, on the event loop).
 */
function discard(fs: Fs, path: string, unlink: (path: string) => void): void {
  const fd = openIfAllowed(fs, path);
  try {
    unlink(path);
  } finally {
    if (fd !== null) fs.close(fd, () => {}); // Opened for reading, so closing cannot lose data.
  }
}

/** Opens a file for reading; returns `null` if that fails. */
function openIfAllowed(fs: Fs, path: string): number | null {
  try {
    return openRegular(fs, path, fs.constants.O_RDONLY).fd;
  } catch {
    return null;
  }
}

async function removeInBackground(
  paths: readonly string[],
  unlink: (path: string) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  // One at a time: more would occupy threads that the program also uses.
  for (const path of paths) {
    await unlink(path).catch((error) => {
      if (!hasCode(withCode(error), "ENOENT")) errors.push(error);
    });
  }
  if (errors.length > 0) throw errors[0];
}

function stat(fs: Fs, path: string, { followLinks }: StatOptions = {}): FileStat | null {
  try {
    const ask = followLinks ? fs.statSync : fs.lstatSync;
    // Inode numbers may exceed 2^53, where two files would have the same number.
    const found = ask(path, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) return null;
    const isWindows = builtin("node:process").platform === "win32";
    return {
      kind: kindOf(found),
      size: Number(found.size),
      id: `${found.dev}:${found.ino}`,
      modified: Number(found.mtimeNs) / 1e6,
      owner: isWindows ? null : Number(found.uid),
      mode: isWindows ? null : Number(found.mode) & 0o7777,
    };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}

/**
 * Creates parent directories one at a time. Node's recursive option never ends below a directory
 * that exists but answers `ENOENT` to a new name, as in /proc.
 */
function makeDirectory(fs: Fs, path: string, withParents = true): void {
  try {
    fs.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (isDirectory(fs, path)) return;
    const parent = dirname(path);
    if (!withParents || parent === path || !hasCode(error, "ENOENT")) throw error;
    makeDirectory(fs, parent);
    makeDirectory(fs, path, false);
  }
}

function isDirectory(fs: Fs, path: string): boolean {
  try {
    return fs.statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Creates a file with content; fails if it exists. Removes the file again if it cannot be written.
 */
function writeNew(fs: Fs, path: string, text: string): void {
  const fd = fs.openSync(path, "wx", 0o600);
  try {
    const bytes = new TextEncoder().encode(text);
    for (let done = 0; done < bytes.length;) {
      const taken = fs.writeSync(fd, bytes, done, bytes.length - done);
      if (taken === 0) throw codedError("EIO", `Cannot fill a file: ${path}`);
      done += taken;
    }
  } catch (error) {
    fs.closeSync(fd);
    undo(fs, path);
    throw error;
  }
  fs.closeSync(fd);
}

function replace(fs: Fs, path: string, text: string): void {
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  writeNew(fs, temporary, text);
  try {
    fs.renameSync(temporary, path);
  } catch (error) {
    undo(fs, temporary);
    throw error;
  }
}

const SPACE = 0x20;

function overwrite(fs: Fs, path: string, text: string): void {
  const { fd } = openRegular(fs, path, fs.constants.O_RDWR);
  try {
    const bytes = new TextEncoder().encode(text);
    const padded = new Uint8Array(Math.max(bytes.length, fs.fstatSync(fd).size)).fill(SPACE);
    padded.set(bytes);
    const written = fs.writeSync(fd, padded, 0, padded.length, 0);
    if (written < padded.length) throw codedError("ENOSPC", `Cannot overwrite a file: ${path}`);
  } finally {
    fs.closeSync(fd);
  }
}

/** Cleans up after a failed step, whose error is the one to report. */
function undo(fs: Fs, path: string): void {
  try {
    fs.unlinkSync(path);
  } catch {
    // The caller gets the first error.
  }
}
