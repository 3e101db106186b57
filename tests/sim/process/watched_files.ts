/**
 * A file system that tells what is done to logs, just before or just after it is done.
 *
 * @module
 */

import type { AppendFile, FileSystem, ReadFile } from "../../../src/runtime/file_system.ts";
import type {
  DirectoryEntry,
  FileStat,
  ReadTextOptions,
  StatOptions,
} from "../../../src/runtime/file_types.ts";

const decoder = new TextDecoder();

/** Observer of the operations. */
export interface FileWatcher {
  /** A file is about to be removed. */
  beforeRemove(path: string): void;
  /** A file is about to be put in place of another. */
  beforeReplace(path: string, text: string): void;
  /** It was. */
  afterReplace(path: string): void;
  /** A file is about to get another name. */
  beforeRename(from: string, to: string): void;
  /** It did. */
  afterRename(from: string, to: string): void;
  /** Bytes were appended: all of `text`, or after a short or failed write fewer, with `null`. */
  afterAppend(path: string, text: string | null): void;
}

/** Passes everything on. */
export class WatchedFiles implements FileSystem {
  readonly #inner: FileSystem;
  readonly #watcher: FileWatcher;

  /** Wraps `inner`. */
  constructor(inner: FileSystem, watcher: FileWatcher) {
    this.#inner = inner;
    this.#watcher = watcher;
  }

  openAppend(path: string): AppendFile {
    return new WatchedAppend(this.#inner.openAppend(path), path, this.#watcher);
  }
  openRead(path: string): ReadFile {
    return this.#inner.openRead(path);
  }
  readText(path: string, options?: ReadTextOptions): string {
    return this.#inner.readText(path, options);
  }
  createExclusive(path: string, text: string): void {
    this.#inner.createExclusive(path, text);
  }
  replace(path: string, text: string): void {
    this.#watcher.beforeReplace(path, text);
    this.#inner.replace(path, text);
    this.#watcher.afterReplace(path);
  }
  overwrite(path: string, text: string): void {
    this.#inner.overwrite(path, text);
  }
  rename(from: string, to: string): void {
    this.#watcher.beforeRename(from, to);
    this.#inner.rename(from, to);
    this.#watcher.afterRename(from, to);
  }
  remove(path: string): void {
    this.#watcher.beforeRemove(path);
    this.#inner.remove(path);
  }
  discard(path: string): void {
    this.#watcher.beforeRemove(path);
    this.#inner.discard(path);
  }
  async removeInBackground(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      this.#watcher.beforeRemove(path);
      await this.#inner.removeInBackground([path]);
    }
  }
  removeDirectory(path: string): void {
    this.#inner.removeDirectory(path);
  }
  list(directory: string): DirectoryEntry[] {
    return this.#inner.list(directory);
  }
  scan(directory: string): AsyncIterable<readonly DirectoryEntry[]> {
    return this.#inner.scan(directory);
  }
  stat(path: string, options?: StatOptions): FileStat | null {
    return this.#inner.stat(path, options);
  }
  exists(path: string): boolean {
    return this.#inner.exists(path);
  }
  makeDirectory(path: string): void {
    this.#inner.makeDirectory(path);
  }
  syncDirectory(path: string): Promise<void> {
    return this.#inner.syncDirectory(path);
  }
  syncDirectoryNow(path: string): void {
    this.#inner.syncDirectoryNow(path);
  }
}

class WatchedAppend implements AppendFile {
  readonly #inner: AppendFile;
  readonly #path: string;
  readonly #watcher: FileWatcher;

  constructor(inner: AppendFile, path: string, watcher: FileWatcher) {
    this.#inner = inner;
    this.#path = path;
    this.#watcher = watcher;
  }

  write(text: string): { written: number; length: number } {
    let whole: string | null = null;
    try {
      const result = this.#inner.write(text);
      if (result.written === result.length) whole = text;
      return result;
    } finally {
      this.#watcher.afterAppend(this.#path, whole);
    }
  }
  writeBytes(bytes: Uint8Array): number {
    let whole: string | null = null;
    try {
      const written = this.#inner.writeBytes(bytes);
      if (written === bytes.length) whole = decoder.decode(bytes);
      return written;
    } finally {
      this.#watcher.afterAppend(this.#path, whole);
    }
  }
  size(): number {
    return this.#inner.size();
  }
  truncate(size: number): void {
    this.#inner.truncate(size);
  }
  read(offset: number, into: Uint8Array): number {
    return this.#inner.read(offset, into);
  }
  dataSync(): Promise<void> {
    return this.#inner.dataSync();
  }
  dataSyncNow(): void {
    this.#inner.dataSyncNow();
  }
  close(): void {
    this.#inner.close();
  }
}
