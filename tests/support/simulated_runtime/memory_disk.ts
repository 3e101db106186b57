/**
 * A simulated disk that several simulated processes share.
 *
 * @module
 */

import type { MemoryNode } from "./memory_names.ts";
import { MemoryNames } from "./memory_names.ts";
import { PosixError } from "./posix_error.ts";

/** A place in the tree: a directory, a name in it, and the node of that name. */
export interface MemoryPlace {
  readonly directory: MemoryNode;
  readonly name: string;
  readonly node: MemoryNode | undefined;
}

/** A process that the machine can end. */
export interface Killable {
  kill(): void;
}

/** Maximum number of symbolic links on one path, as on Linux. */
const MAX_LINKS = 40;

let lastDisk = 0;

/**
 * Files and names with the durability of the real ones: bytes are safe after a sync of the file, a
 * name after a sync of its directory (and the directory's own name after a sync of its parent).
 * Paths are absolute; `mode`, `bytes`, `put`, `symlink`, `fifo` and `own` look and meddle from outside, without
 * faults and durably.
 */
export class MemoryDisk {
  /** Which disk this is, for the identity of its files. */
  readonly id: number = ++lastDisk;
  /** The names; for the runtimes on this disk. */
  readonly names: MemoryNames = new MemoryNames(0);
  readonly #processes = new Set<Killable>();

  /** Adds a process that ends with the machine. */
  attach(process: Killable): void {
    this.#processes.add(process);
  }

  /** Forgets a process that has ended. */
  detach(process: Killable): void {
    this.#processes.delete(process);
  }

  /**
   * The machine goes down: all processes on this disk are killed; what was not synced is dropped,
   * kept or torn, as `random` (numbers from 0 up to 1) says. Names in each directory survive in the
   * order of their making; a rename happened or did not.
   */
  crash(random: () => number): void {
    for (const process of [...this.#processes]) process.kill();
    this.names.crash(random);
  }

  /** Finds a path's place; every part but the last must be a directory. */
  place(path: string, operation: string, followLast: boolean): MemoryPlace {
    return this.#plainPlace(path) ?? this.#anyPlace(path, operation, followLast, 0);
  }

  /** The place of a path that leads through directories to a file, a directory or nothing. */
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

  /** The node at a path (`ENOENT`), a symbolic link at its end followed. */
  node(path: string, operation: string): MemoryNode {
    const { node } = this.place(path, operation, true);
    if (!node) throw new PosixError("ENOENT", operation, path);
    return node;
  }

  /** Permission bits of the file or directory at `path`. */
  mode(path: string): number {
    return this.node(path, "mode").mode;
  }

  /** The bytes of a file, as programs see them. */
  bytes(path: string): Uint8Array {
    return this.node(path, "bytes").content.view.slice();
  }

  /** Puts a file (or other content in an existing one) and its directories, all of it durable. */
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

  /** Puts a symbolic link into an existing directory, durably. */
  symlink(target: string, path: string): void {
    const { directory, name, node } = this.place(path, "symlink", false);
    if (node) throw new PosixError("EEXIST", "symlink", path);
    this.#add(directory, name, "symlink", 0o777, target);
  }

  /** Changes the owner and the permission bits of what is at `path`, durably. */
  own(path: string, { owner, mode }: { owner?: number; mode?: number }): void {
    const node = this.node(path, "chown");
    node.owner = owner ?? node.owner;
    node.mode = mode ?? node.mode;
  }

  /** Puts a FIFO into an existing directory, durably. */
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
