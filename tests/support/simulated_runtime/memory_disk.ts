/**
 * A simulated disk shared by several simulated processes.
 *
 * @module
 */

import type { MemoryNode } from "./memory_names.ts";
import { MemoryNames } from "./memory_names.ts";
import { PosixError } from "./posix_error.ts";

/** A location in the tree: a directory, a name in it, and the node of that name. */
export interface MemoryPlace {
  readonly directory: MemoryNode;
  readonly name: string;
  readonly node: MemoryNode | undefined;
}

/** A process that a machine crash ends. */
export interface Killable {
  kill(): void;
}

/** Maximum number of symbolic links on one path, as on Linux. */
const MAX_LINKS = 40;

let lastDisk = 0;

/**
 * Files and names with realistic durability: bytes are durable after a sync of the file,
 * a name after a sync of its directory (and the directory's own name after a sync of its
 * parent). Paths are absolute. `mode`, `bytes`, `put`, `symlink`, `fifo` and `own` access
 * the disk from outside, without faults and durably.
 */
export class MemoryDisk {
  /** Identifies the disk, as part of its files' identity. */
  readonly id: number = ++lastDisk;
  /** The names, for the runtimes on this disk. */
  readonly names: MemoryNames = new MemoryNames(0);
  readonly #processes = new Set<Killable>();

  /** Adds a process, which ends when the machine crashes. */
  attach(process: Killable): void {
    this.#processes.add(process);
  }

  /** Removes a process that has ended. */
  detach(process: Killable): void {
    this.#processes.delete(process);
  }

  /**
   * Crashes the machine: kills all processes on this disk; unsynced data is lost, kept or
   * torn, as decided by `random` (numbers in [0, 1)). Names in each directory survive in
   * the order of their creation; a rename takes effect or not.
   */
  crash(random: () => number): void {
    for (const process of [...this.#processes]) process.kill();
    this.names.crash(random);
  }

  /** Resolves a path; every part but the last must be a directory. */
  place(path: string, operation: string, followLast: boolean): MemoryPlace {
    return this.#plainPlace(path) ?? this.#anyPlace(path, operation, followLast, 0);
  }

  /** Resolves a plain path quickly; `undefined` if it has links or `.`, or needs an error. */
  #plainPlace(path: string): MemoryPlace | undefined {
    let directory = this.names.root;
    for (let from = path.startsWith("/") ? 1 : 0;;) {
      const slash = path.indexOf("/", from);
      const name = slash === -1 ? path.slice(from) : path.slice(from, slash);
      if (name === "" || name === "." || name === "..") return undefined;
      const node = directory.entries.get(name);
      if (slash === -1) {
        return node?.kind === "symlink" ? undefined : { directory, name, node };
      }
      if (node?.kind !== "directory") return undefined;
      directory = node;
      from = slash + 1;
    }
  }

  #anyPlace(path: string, operation: string, followLast: boolean, links: number): MemoryPlace {
    const parts = path.split("/").filter((part) => part !== "" && part !== ".");
    const trail = [this.names.root];
    let place: MemoryPlace = { directory: this.names.root, name: ".", node: this.names.root };
    for (let index = 0; index < parts.length; index++) {
      const name = parts[index];
      const directory = trail[trail.length - 1];
      if (directory.kind !== "directory") throw new PosixError("ENOTDIR", operation, path);
      if (name === "..") {
        if (trail.length > 1) trail.pop();
        place = { directory, name: ".", node: trail[trail.length - 1] };
        continue;
      }
      const node = directory.entries.get(name);
      const isLast = index === parts.length - 1;
      if (node?.kind === "symlink" && (!isLast || followLast)) {
        if (links >= MAX_LINKS) throw new PosixError("ELOOP", operation, path);
        const before = node.target.startsWith("/") ? "" : parts.slice(0, index).join("/");
        const target = [before, node.target, ...parts.slice(index + 1)].join("/");
        return this.#anyPlace(`/${target}`, operation, followLast, links + 1);
      }
      if (!node && !isLast) throw new PosixError("ENOENT", operation, path);
      if (isLast) place = { directory, name, node };
      if (node) trail.push(node);
    }
    return place;
  }

  /** The node at a path (`ENOENT`); follows a symbolic link at its end. */
  node(path: string, operation: string): MemoryNode {
    const { node } = this.place(path, operation, true);
    if (!node) throw new PosixError("ENOENT", operation, path);
    return node;
  }

  /** Permission bits of the file or directory at `path`. */
  mode(path: string): number {
    return this.node(path, "mode").mode;
  }

  /** The bytes of a file, as seen by programs. */
  bytes(path: string): Uint8Array {
    return this.node(path, "bytes").content.view.slice();
  }

  /** Writes a file (or replaces the content of an existing one) and its directories, durably. */
  put(path: string, content: Uint8Array | string): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const parts = path.split("/").filter((part) => part !== "");
    const name = parts.pop();
    if (name === undefined) throw new PosixError("EISDIR", "put", path);
    let directory = this.names.root;
    for (const part of parts) {
      directory = directory.entries.get(part) ?? this.#add(directory, part, "directory", 0o700);
    }
    const file = directory.entries.get(name) ?? this.#add(directory, name, "file", 0o600);
    file.content.truncate(0);
    file.content.append(bytes);
    file.content.sync(file.content.mark());
  }

  /** Creates a symbolic link in an existing directory, durably. */
  symlink(target: string, path: string): void {
    const { directory, name, node } = this.place(path, "symlink", false);
    if (node) throw new PosixError("EEXIST", "symlink", path);
    this.#add(directory, name, "symlink", 0o777, target);
  }

  /** Changes the owner and the permission bits at `path`, durably. */
  own(path: string, { owner, mode }: { owner?: number; mode?: number }): void {
    const node = this.node(path, "chown");
    node.owner = owner ?? node.owner;
    node.mode = mode ?? node.mode;
  }

  /** Creates a FIFO in an existing directory, durably. */
  fifo(path: string): void {
    const { directory, name, node } = this.place(path, "mkfifo", false);
    if (node) throw new PosixError("EEXIST", "mkfifo", path);
    this.#add(directory, name, "other", 0o600);
  }

  #add(
    directory: MemoryNode,
    name: string,
    kind: MemoryNode["kind"],
    mode: number,
    target?: string,
  ): MemoryNode {
    const node = this.names.make(kind, mode, 0, target);
    this.names.change({ directory, name, node });
    this.names.sync(directory, this.names.mark());
    return node;
  }
}
