/**
 * Files over `node:fs`, which Node, Bun and Deno all have.
 *
 * @module
 */

import { dirname } from "@std/path";
import { builtin } from "../builtin_modules.ts";
import { openNodeAppend } from "./append_file.ts";
import { kindOf, list } from "./list_directory.ts";
import { openRegular } from "./open_regular.ts";
import { cannotSync } from "./sync_error.ts";
import { readText } from "./read_text.ts";
import { removeInBackground } from "./remove_in_background.ts";
import type { DirectoryEntry, FileStat, FileSystem, ReadFile, StatOptions } from "../runtime.ts";

type Fs = typeof import("node:fs");

/** Scans a directory in the way that is best on one host. */
export type Scan = (fs: Fs, directory: string) => AsyncIterable<readonly DirectoryEntry[]>;

/** A file system over `node:fs`. */
export function nodeFiles(scan: Scan): FileSystem {
  let loaded: Fs | undefined;
  const fs = () => loaded ??= builtin("node:fs");
  return {
    openAppend: openNodeAppend,
    openRead: (path) => new NodeReadFile(fs(), path),
    readText: (path, options) => readText(fs(), path, options),
    createExclusive: (path, text) => writeNew(fs(), path, text),
    replace: (path, text) => replace(fs(), path, text),
    rename: (from, to) => fs().renameSync(from, to),
    remove: (path) => fs().unlinkSync(path),
    discard: (path) => discard(fs(), path),
    removeDirectory: (path) => fs().rmdirSync(path),
    removeInBackground: (paths) => removeInBackground(fs().promises.unlink, paths),
    list: (directory) => list(fs(), directory),
    scan: (directory) => scan(fs(), directory),
    stat: (path, options) => stat(fs(), path, options),
    exists: (path) => fs().existsSync(path),
    makeDirectory: (path) => makeDirectory(fs(), path),
    truncate: (path, size) => fs().truncateSync(path, size),
    syncDirectory: (path) => syncDirectory(fs(), path),
    syncDirectoryNow: (path) => syncDirectoryNow(fs(), path),
  };
}

/**
 * The last descriptor of a file without a name gives its space back: it is closed by the host's
 * threads (on Deno, which has none for that, by the event loop).
 */
function discard(fs: Fs, path: string): void {
  const fd = openIfAllowed(fs, path);
  try {
    fs.unlinkSync(path);
  } finally {
    if (fd !== null) fs.close(fd, () => {}); // It was open for reading: nothing can fail.
  }
}

/** Opens a file for reading; `null` when it may not be opened. */
function openIfAllowed(fs: Fs, path: string): number | null {
  try {
    return openRegular(fs, path, { flags: fs.constants.O_RDONLY }).fd;
  } catch {
    return null;
  }
}

class NodeReadFile implements ReadFile {
  readonly #fs: Fs;
  #fd: number;
  #reading = 0;
  #closed = false;

  constructor(fs: Fs, path: string) {
    this.#fs = fs;
    this.#fd = openRegular(fs, path, { flags: fs.constants.O_RDONLY }).fd;
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    const fd = this.#open();
    this.#reading++;
    try {
      return await new Promise<number>((resolve, reject) => {
        this.#fs.read(
          fd,
          into,
          0,
          into.length,
          offset,
          (error, read) => error ? reject(error) : resolve(read),
        );
      });
    } finally {
      this.#reading--;
      this.#release();
    }
  }

  byteAt(offset: number): number | undefined {
    const into = new Uint8Array(1);
    return this.#fs.readSync(this.#open(), into, 0, 1, offset) === 1 ? into[0] : undefined;
  }

  size(): number {
    return this.#fs.fstatSync(this.#open()).size;
  }

  close(): void {
    this.#closed = true;
    this.#release();
  }

  #open(): number {
    if (this.#closed) {
      throw Object.assign(new Error("Cannot use a closed file"), { code: "EBADF" });
    }
    return this.#fd;
  }

  /** A descriptor closed under a running read could be reused, and the read would hit another file. */
  #release(): void {
    if (!this.#closed || this.#reading > 0 || this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    this.#fs.closeSync(fd);
  }
}

function stat(fs: Fs, path: string, { followLinks }: StatOptions = {}): FileStat | null {
  try {
    const ask = followLinks ? fs.statSync : fs.lstatSync;
    // Inode numbers may pass 2^53, where two files would look like one.
    const found = ask(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? null : {
      kind: kindOf(found),
      size: Number(found.size),
      id: `${found.dev}:${found.ino}`,
      modified: Number(found.mtimeNs) / 1e6,
      owner: isWindows() ? null : Number(found.uid),
      mode: isWindows() ? null : Number(found.mode) & 0o7777,
    };
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return null;
    throw error;
  }
}

/**
 * Makes one directory after the other: Node's own recursion never ends below a directory that exists
 * and answers `ENOENT` to a new name, as those of /proc do.
 */
function makeDirectory(fs: Fs, path: string): void {
  try {
    fs.mkdirSync(path, { mode: 0o700 });
    return;
  } catch (error) {
    if (isDirectory(fs, path)) return;
    const parent = dirname(path);
    if ((error as { code?: unknown }).code !== "ENOENT" || parent === path) throw error;
    makeDirectory(fs, parent);
  }
  try {
    fs.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!isDirectory(fs, path)) throw error;
  }
}

function isDirectory(fs: Fs, path: string): boolean {
  try {
    return fs.statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Makes a file that must not exist and fills it; what could not be filled is taken away again. */
function writeNew(fs: Fs, path: string, text: string): void {
  const fd = fs.openSync(path, "wx", 0o600);
  try {
    const bytes = new TextEncoder().encode(text);
    for (let done = 0; done < bytes.length;) {
      const taken = fs.writeSync(fd, bytes, done, bytes.length - done);
      if (taken === 0) {
        throw Object.assign(new Error(`Cannot fill a file: ${path}`), { code: "EIO" });
      }
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

/** Removes what a failed step left; the first error is the one that matters. */
function undo(fs: Fs, path: string): void {
  try {
    fs.unlinkSync(path);
  } catch {
    // Nothing more can be done here, and the caller is told of the first error.
  }
}

async function syncDirectory(fs: Fs, path: string): Promise<void> {
  if (isWindows()) return;
  const fd = openDirectory(fs, path);
  try {
    await new Promise<void>((resolve, reject) => {
      fs.fsync(fd, (error) => error && !cannotSync(error) ? reject(error) : resolve());
    });
  } finally {
    fs.closeSync(fd);
  }
}

function syncDirectoryNow(fs: Fs, path: string): void {
  if (isWindows()) return;
  const fd = openDirectory(fs, path);
  try {
    fs.fsyncSync(fd);
  } catch (error) {
    if (!cannotSync(error)) throw error;
  } finally {
    fs.closeSync(fd);
  }
}

/** `O_DIRECTORY` refuses everything else with `ENOTDIR` before it is opened: a FIFO would block. */
function openDirectory(fs: Fs, path: string): number {
  return fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
}

/** Windows cannot open a directory (NTFS journals names by itself) and has no owners and modes. */
function isWindows(): boolean {
  return builtin("node:process").platform === "win32";
}
