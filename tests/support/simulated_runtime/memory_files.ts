/**
 * A simulated process's view of a simulated disk.
 *
 * @module
 */

import type { MemoryDisk } from "./memory_disk.ts";
import type { MemoryNode } from "./memory_names.ts";
import { appendTo, MemoryAppendFile, MemoryReadFile } from "./memory_open.ts";
import type { FaultInjector } from "./memory_process.ts";
import { PosixError } from "./posix_error.ts";
import type { AppendFile, FileSystem, ReadFile } from "../../../src/runtime/file_system.ts";
import type { Clock } from "../../../src/runtime/runtime.ts";
import {
  type DirectoryEntry,
  type FileStat,
  MAX_TEXT_BYTES,
  type ReadTextOptions,
  type StatOptions,
} from "../../../src/runtime/file_types.ts";

/** Names per chunk of a scan: few, so that simulated scans have several chunks. */
const SCAN_CHUNK = 4;

/** The files of one process. */
export class MemoryFiles implements FileSystem {
  readonly #disk: MemoryDisk;
  readonly #faults: FaultInjector;
  readonly #clock: Clock;
  readonly #cwd: string;
  #temporaries = 0;

  constructor(disk: MemoryDisk, faults: FaultInjector, clock: Clock, cwd: string) {
    this.#disk = disk;
    this.#faults = faults;
    this.#clock = clock;
    this.#cwd = cwd;
  }

  openAppend(path: string): AppendFile {
    const at = this.#absolute(path);
    this.#faults.enter("open", at);
    const { directory, name, node } = this.#disk.place(at, "open", false);
    if (node) refuseSpecial(node, "open", at);
    return new MemoryAppendFile(this.#context(at, node ?? this.#make("file", directory, name)));
  }

  openRead(path: string): ReadFile {
    const at = this.#absolute(path);
    this.#faults.enter("open", at);
    return new MemoryReadFile(this.#context(at, this.#file(at, "open", false)));
  }

  readText(path: string, { maxBytes = MAX_TEXT_BYTES, followLinks }: ReadTextOptions = {}): string {
    const at = this.#absolute(path);
    this.#faults.enter("read", at);
    const { content } = this.#file(at, "read", followLinks ?? false);
    if (content.size > maxBytes) throw new PosixError("EFBIG", "read", at);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(content.view);
  }

  createExclusive(path: string, text: string): void {
    const at = this.#absolute(path);
    const bytes = new TextEncoder().encode(text);
    this.#faults.enter("create", at, bytes.length);
    this.#create(at, bytes);
  }

  replace(path: string, text: string): void {
    const at = this.#absolute(path);
    const bytes = new TextEncoder().encode(text);
    this.#faults.enter("replace", at, bytes.length);
    const temporary = `${at}.${++this.#temporaries}.tmp`;
    this.#create(temporary, bytes);
    try {
      this.rename(temporary, at);
    } catch (error) {
      this.#discard(temporary);
      throw error;
    }
  }

  overwrite(path: string, text: string): void {
    const at = this.#absolute(path);
    const bytes = new TextEncoder().encode(text);
    this.#faults.enter("write", at, bytes.length);
    const { content } = this.#file(at, "write", false);
    const padded = new Uint8Array(Math.max(bytes.length, content.size)).fill(0x20);
    padded.set(bytes);
    content.truncate(0);
    content.append(padded);
  }

  rename(from: string, to: string): void {
    const source = this.#absolute(from);
    const target = this.#absolute(to);
    this.#faults.enter("rename", source);
    const old = this.#disk.place(source, "rename", false);
    const place = this.#disk.place(target, "rename", false);
    if (!old.node) throw new PosixError("ENOENT", "rename", source);
    if (old.node === place.node) return;
    if (old.node.kind === "directory") {
      if (`${target}/`.startsWith(`${source}/`)) throw new PosixError("EINVAL", "rename", source);
      if (place.node && place.node.kind !== "directory") {
        throw new PosixError("ENOTDIR", "rename", target);
      }
      if (place.node && place.node.entries.size > 0) {
        throw new PosixError("ENOTEMPTY", "rename", target);
      }
    } else if (place.node?.kind === "directory") {
      throw new PosixError("EISDIR", "rename", target);
    }
    this.#disk.names.change(
      { directory: old.directory, name: old.name, node: undefined },
      { directory: place.directory, name: place.name, node: old.node },
    );
  }

  remove(path: string): void {
    const at = this.#absolute(path);
    this.#faults.enter("remove", at);
    this.#unlink(at);
  }

  async removeInBackground(paths: readonly string[]): Promise<void> {
    const errors: unknown[] = [];
    for (const path of paths) {
      const at = this.#absolute(path);
      try {
        this.#faults.enter("remove", at);
        await this.#faults.later(() => this.#unlink(at));
      } catch (error) {
        if ((error as PosixError).code !== "ENOENT") errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  discard(path: string): void {
    this.remove(path);
  }

  removeDirectory(path: string): void {
    const at = this.#absolute(path);
    this.#faults.enter("remove", at);
    const { directory, name, node } = this.#disk.place(at, "remove", false);
    if (!node) throw new PosixError("ENOENT", "remove", at);
    if (node.kind !== "directory") throw new PosixError("ENOTDIR", "remove", at);
    if (node.entries.size > 0) throw new PosixError("ENOTEMPTY", "remove", at);
    this.#disk.names.change({ directory, name, node: undefined });
  }

  list(directory: string): DirectoryEntry[] {
    const at = this.#absolute(directory);
    this.#faults.enter("list", at);
    return [...this.#directory(at, "list").entries].map(([name, { kind }]) => ({ name, kind }));
  }

  async *scan(directory: string): AsyncGenerator<readonly DirectoryEntry[], void, undefined> {
    const entries = this.list(directory);
    for (let from = 0; from < entries.length; from += SCAN_CHUNK) {
      yield await this.#faults.later(() => entries.slice(from, from + SCAN_CHUNK));
    }
  }

  stat(path: string, { followLinks = false }: StatOptions = {}): FileStat | null {
    const at = this.#absolute(path);
    this.#faults.enter("stat", at);
    try {
      const { node } = this.#disk.place(at, "stat", followLinks);
      return node
        ? {
          kind: node.kind,
          size: node.kind === "symlink" ? node.target.length : node.content.size,
          id: `${this.#disk.id}:${node.id}`,
          modified: node.modified,
          owner: node.owner,
          mode: node.mode,
        }
        : null;
    } catch (error) {
      if ((error as PosixError).code === "ENOENT") return null;
      throw error;
    }
  }

  exists(path: string): boolean {
    try {
      return this.#disk.node(this.#absolute(path), "stat") !== undefined;
    } catch {
      return false;
    }
  }

  makeDirectory(path: string): void {
    const at = this.#absolute(path);
    this.#faults.enter("mkdir", at);
    let parent = "";
    for (const part of at.split("/").filter((part) => part !== "")) {
      parent += `/${part}`;
      const { directory, name, node } = this.#disk.place(parent, "mkdir", true);
      if (!node) this.#make("directory", directory, name);
      else if (node.kind !== "directory") {
        throw new PosixError(parent === at ? "EEXIST" : "ENOTDIR", "mkdir", at);
      }
    }
  }

  // deno-lint-ignore require-await -- a failure to begin must be a rejection
  async syncDirectory(path: string): Promise<void> {
    const finish = this.#beginSync(path);
    return this.#faults.later(finish);
  }

  syncDirectoryNow(path: string): void {
    this.#beginSync(path)();
  }

  #beginSync(path: string): () => void {
    const at = this.#absolute(path);
    this.#faults.enter("syncDirectory", at);
    const directory = this.#directory(at, "syncDirectory");
    const mark = this.#disk.names.mark();
    return () => this.#disk.names.sync(directory, mark);
  }

  #create(at: string, bytes: Uint8Array): void {
    const { directory, name, node } = this.#disk.place(at, "create", false);
    if (node) throw new PosixError("EEXIST", "create", at);
    const context = this.#context(at, this.#make("file", directory, name));
    try {
      for (let done = 0; done < bytes.length;) {
        const taken = appendTo(context, bytes.subarray(done));
        if (taken === 0) throw new PosixError("EIO", "write", at);
        done += taken;
      }
    } catch (error) {
      this.#discard(at);
      throw error;
    }
  }

  /** Cleans up after a failed step, as a running process does. */
  #discard(at: string): void {
    if (this.#faults.dead) return;
    const { directory, name, node } = this.#disk.place(at, "remove", false);
    if (node) this.#disk.names.change({ directory, name, node: undefined });
  }

  #make(kind: "file" | "directory", directory: MemoryNode, name: string): MemoryNode {
    const mode = kind === "file" ? 0o600 : 0o700;
    const node = this.#disk.names.make(kind, mode, this.#clock.now());
    this.#disk.names.change({ directory, name, node });
    return node;
  }

  #unlink(at: string): void {
    const { directory, name, node } = this.#disk.place(at, "remove", false);
    if (!node) throw new PosixError("ENOENT", "remove", at);
    if (node.kind === "directory") throw new PosixError("EISDIR", "remove", at);
    this.#disk.names.change({ directory, name, node: undefined });
  }

  #file(at: string, operation: string, followLinks: boolean): MemoryNode {
    const { node } = this.#disk.place(at, operation, followLinks);
    if (!node) throw new PosixError("ENOENT", operation, at);
    refuseSpecial(node, operation, at);
    return node;
  }

  #directory(at: string, operation: string): MemoryNode {
    const node = this.#disk.node(at, operation);
    if (node.kind !== "directory") throw new PosixError("ENOTDIR", operation, at);
    return node;
  }

  #context(path: string, node: MemoryNode) {
    return { faults: this.#faults, clock: this.#clock, path, node };
  }

  #absolute(path: string): string {
    return path.startsWith("/") ? path : `${this.#cwd}/${path}`;
  }
}

/** Refuses to open special files, as the adapters do. */
function refuseSpecial({ kind }: MemoryNode, operation: string, at: string): void {
  if (kind === "symlink") throw new PosixError("ELOOP", operation, at);
  if (kind === "directory") throw new PosixError("EISDIR", operation, at);
  if (kind === "other") throw new PosixError("ERR_NOT_REGULAR_FILE", operation, at);
}
