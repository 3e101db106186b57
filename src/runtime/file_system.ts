/**
 * The file system, as a runtime gives it.
 *
 * @module
 */

import type { DirectoryEntry, FileStat, ReadTextOptions, StatOptions } from "./file_types.ts";

/** Result of a write call. */
export interface WriteResult {
  /** Bytes that the operating system accepted; less than `length` after a short write. */
  readonly written: number;
  /** Length of the whole text in UTF-8 bytes. */
  readonly length: number;
}

/**
 * A file open for appending (`O_APPEND`) and for reading back, mode 0600.
 *
 * All methods throw file system errors with a `code` such as `ENOSPC`.
 */
export interface AppendFile {
  /** Appends `text` with one write call; a short write is reported, not completed. */
  write(text: string): WriteResult;
  /** Appends `bytes` with one write call; returns how many were accepted. */
  writeBytes(bytes: Uint8Array): number;
  /** Returns the file's size in bytes, even if the file was deleted. */
  size(): number;
  /** Truncates the file to `size` bytes. */
  truncate(size: number): void;
  /** Reads up to `into.length` bytes at `offset`; fewer at the end, 0 after it. Synchronous. */
  read(offset: number, into: Uint8Array): number;
  /**
   * Syncs the data to stable storage off the event loop (`fdatasync`). Rejects with code `ENOTSUP`
   * if the runtime or the file system does not support it (Node's permission model denies it).
   * Unlike a failed sync, that says nothing about the data.
   */
  dataSync(): Promise<void>;
  /** Same as `dataSync`, but synchronous. */
  dataSyncNow(): void;
  /** Closes the file; further calls do nothing. */
  close(): void;
}

/** A file open for reading at given offsets. */
export interface ReadFile {
  /** Reads up to `into.length` bytes at `offset`; fewer at the end of the file, 0 after it. */
  read(offset: number, into: Uint8Array): Promise<number>;
  /**
   * Same as `read`, but synchronous. For a few bytes, this is faster than using the runtime's
   * threads.
   */
  readNow(offset: number, into: Uint8Array): number;
  /** Reads the byte at `offset`, synchronously; returns `undefined` after the end. */
  byteAt(offset: number): number | undefined;
  /** Returns the file's current size in bytes. */
  size(): number;
  /** Closes the file; further calls do nothing. */
  close(): void;
}

/**
 * Files and directories. Paths are in the platform's format. All errors have the POSIX `code`
 * (`ENOENT`, `EEXIST`, `ENOSPC`, `EACCES`, `EIO`, …) on every runtime.
 *
 * Only regular files are opened. Anything else is refused at once, without waiting for it: a
 * symbolic link with `ELOOP`, a directory with `EISDIR`, and a FIFO, socket or device with
 * `ERR_NOT_REGULAR_FILE`.
 */
export interface FileSystem {
  /** Opens or creates a regular file for appending and reading; a new file gets mode 0600. */
  openAppend(path: string): AppendFile;
  /** Opens an existing regular file for reading. */
  openRead(path: string): ReadFile;
  /**
   * Returns the whole text of a small regular file; invalid UTF-8 becomes U+FFFD. The size is
   * checked first: `EFBIG` if the file is larger than `maxBytes`.
   */
  readText(path: string, options?: ReadTextOptions): string;
  /**
   * Creates a file with this text, mode 0600; fails with `EEXIST` if it exists. Completes short
   * writes.
   */
  createExclusive(path: string, text: string): void;
  /**
   * Replaces the content of `path` atomically: writes a temporary file beside it
   * (`<path>.<token>.tmp`, mode 0600), then renames it.
   */
  replace(path: string, text: string): void;
  /**
   * Overwrites the beginning of an existing file with `text`, and the rest with spaces: on a full
   * disk, this needs no new blocks. Not atomic: readers may see a mixture.
   */
  overwrite(path: string, text: string): void;
  /** Renames a file; replaces an existing target. */
  rename(from: string, to: string): void;
  /** Removes a file; fails with `ENOENT` if it does not exist. */
  remove(path: string): void;
  /**
   * Removes a file like `remove`, but frees its space off the event loop if the runtime can: for a
   * large file, that takes milliseconds. Processes that have it open keep its content.
   */
  discard(path: string): void;
  /**
   * Removes files off the event loop; missing files count as removed. An error does not stop the
   * removal of the others; the promise then rejects with the first error. A symbolic link itself is
   * removed; a directory fails with `EISDIR`.
   */
  removeInBackground(paths: readonly string[]): Promise<void>;
  /** Removes an empty directory. */
  removeDirectory(path: string): void;
  /**
   * Lists a directory in no particular order, all at once; only for directories that stay small.
   */
  list(directory: string): DirectoryEntry[];
  /**
   * Lists a directory of any size in no particular order, in chunks of about a thousand names, so
   * that the event loop is blocked for a few ms at most. Leaving the loop with `break` ends the
   * scan. Names that are added or removed meanwhile may or may not be listed.
   *
   * @example
   * ```ts
   * import { detectRuntime } from "./detect.ts";
   *
   * const { files } = detectRuntime();
   * let count = 0;
   * for await (const entries of files.scan("src")) {
   *   count += entries.filter(({ kind }) => kind === "file").length;
   * }
   * ```
   */
  scan(directory: string): AsyncIterable<readonly DirectoryEntry[]>;
  /**
   * Returns metadata of a path; does not follow a symbolic link. `null` if nothing exists there.
   */
  stat(path: string, options?: StatOptions): FileStat | null;
  /** Returns whether a path exists, following links; fast if it does not. `false` if unknown. */
  exists(path: string): boolean;
  /**
   * Creates a directory and its missing parents, each with mode 0700; existing ones are unchanged.
   */
  makeDirectory(path: string): void;
  /** Syncs a directory, off the event loop. Resolves if that is not supported. */
  syncDirectory(path: string): Promise<void>;
  /** Same as `syncDirectory`, but synchronous. */
  syncDirectoryNow(path: string): void;
}
