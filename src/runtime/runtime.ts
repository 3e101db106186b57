/**
 * The interface to the host that the library runs on: files, processes, time.
 *
 * There is one adapter for each kind of host (`node`, also for Bun; `deno`; `edge`) and a simulated
 * one for tests; `detect.ts` chooses. Nothing outside this folder names `Deno`, `Bun` or `node:fs`.
 *
 * @module
 */

import type { DirectoryEntry, FileStat, ReadTextOptions, StatOptions } from "./file_types.ts";

/** Which host an adapter belongs to; `bare` is a host that has no files. */
export type RuntimeName = "deno" | "bun" | "node" | "memory" | "bare";

/** A host: all that the library needs from it. */
export interface Runtime {
  /** The host's name. */
  readonly name: RuntimeName;
  /** Files and directories. */
  readonly files: FileSystem;
  /** This process, and facts about others. */
  readonly process: ProcessInfo;
  /** Time and timers. */
  readonly clock: Clock;
  /** Access to the host's connections, if it gives any. */
  readonly network?: Network;
}

/** Number of bytes that a write call wrote. */
export interface WriteResult {
  /** Bytes that the operating system accepted; less than `length` after a short write. */
  readonly written: number;
  /** Bytes of the whole text in UTF-8. */
  readonly length: number;
}

/**
 * A file open for appending (`O_APPEND`) and for reading back, mode 0600.
 *
 * Every method throws the host's error with a `code` such as `ENOSPC`.
 */
export interface AppendFile {
  /** Appends `text` with one write call; a short write is reported, not finished. */
  write(text: string): WriteResult;
  /** Appends `bytes` with one write call and returns how many were accepted. */
  writeBytes(bytes: Uint8Array): number;
  /** The file's size in bytes, also after its name was removed. */
  size(): number;
  /** Cuts the file to `size` bytes. */
  truncate(size: number): void;
  /** Reads up to `into.length` bytes at `offset`; fewer at the end, 0 past it. Synchronous. */
  read(offset: number, into: Uint8Array): number;
  /**
   * Forces the data to stable storage off the event loop (`fdatasync`). Rejects with code `ENOTSUP`
   * where the host or the file system cannot do it at all (Node's permission model refuses it, some
   * file systems do not have it): unlike a failed sync, that implies nothing about the data.
   */
  dataSync(): Promise<void>;
  /** Forces the data to stable storage before it returns; throws as `dataSync` rejects. */
  dataSyncNow(): void;
  /** Closes the file; a second call does nothing. */
  close(): void;
}

/** A file open for reading at chosen offsets. */
export interface ReadFile {
  /** Reads up to `into.length` bytes at `offset`; fewer at the end of the file, 0 past it. */
  read(offset: number, into: Uint8Array): Promise<number>;
  /** The same, before it returns: for a few bytes, where a turn through the host's threads costs more. */
  readNow(offset: number, into: Uint8Array): number;
  /** The byte at `offset`, read at once; `undefined` past the end. */
  byteAt(offset: number): number | undefined;
  /** The file's size in bytes now. */
  size(): number;
  /** Closes the file; a second call does nothing. */
  close(): void;
}

/**
 * Files and directories. Paths are the host's own. All errors carry the POSIX `code`
 * (`ENOENT`, `EEXIST`, `ENOSPC`, `EACCES`, `EIO`, …) whatever the host.
 *
 * Only regular files are opened. Anything else at a path is refused at once, without waiting for
 * it: a symbolic link with `ELOOP`, a directory with `EISDIR`, a FIFO, a socket or a device with
 * `ERR_NOT_REGULAR_FILE`.
 */
export interface FileSystem {
  /** Opens a new or existing regular file for appending and reading, mode 0600 when made. */
  openAppend(path: string): AppendFile;
  /** Opens an existing regular file for reading. */
  openRead(path: string): ReadFile;
  /**
   * Returns the whole text of a small regular file; invalid UTF-8 becomes U+FFFD. The size is checked
   * before anything is read: `EFBIG` for a file that is larger than `maxBytes`.
   */
  readText(path: string, options?: ReadTextOptions): string;
  /** Makes a file that must not exist (`EEXIST`), mode 0600, with this text, whole (short writes finished). */
  createExclusive(path: string, text: string): void;
  /** Puts `text` at `path` atomically: a temporary file beside it (`<path>.<token>.tmp`, mode 0600), then a rename. */
  replace(path: string, text: string): void;
  /**
   * Writes `text` over the beginning of an existing file, and spaces over what follows: where a disk
   * is full, this needs no new block. Not atomic: readers may see a mixture.
   */
  overwrite(path: string, text: string): void;
  /** Renames; an existing target is replaced. */
  rename(from: string, to: string): void;
  /** Removes a file (`ENOENT` when it is not there). */
  remove(path: string): void;
  /**
   * Removes a file as `remove` does, and gives its space back off the event loop where the host can:
   * that takes milliseconds where it is large. Processes that have it open keep its contents.
   */
  discard(path: string): void;
  /**
   * Removes files off the event loop; those that are not there any more count as removed. One that
   * cannot be removed does not keep the others; its error rejects at the end (the first of several).
   * A symbolic link is removed itself, a directory is refused with `EISDIR`.
   */
  removeInBackground(paths: readonly string[]): Promise<void>;
  /** Removes an empty directory. */
  removeDirectory(path: string): void;
  /** Names in a directory, in no order; all at once, so for directories that stay small. */
  list(directory: string): DirectoryEntry[];
  /**
   * Names in a directory of any size, in no order, in chunks of about a thousand: the event loop
   * is held for a few ms at most. Leaving the loop with `break` ends the scan. Names that come
   * or go meanwhile may be in it or not.
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
  /** Facts of a path; a symbolic link is reported as itself. `null` when nothing is there. */
  stat(path: string, options?: StatOptions): FileStat | null;
  /** Whether something is there, links followed; fast where nothing is. `false` where it is unknown. */
  exists(path: string): boolean;
  /** Makes a directory and its missing parents, mode 0700 each; existing ones stay as they are. */
  makeDirectory(path: string): void;
  /**
   * Forces a directory's names to stable storage, off the event loop. Resolves where the host or the
   * file system cannot do it.
   */
  syncDirectory(path: string): Promise<void>;
  /** Forces a directory's names to stable storage before it returns, as `syncDirectory` does. */
  syncDirectoryNow(path: string): void;
}

/** Something that a host with permissions allows or not. */
export type Need =
  /** Reading an environment variable. */
  | { readonly kind: "env"; readonly variable: string }
  /** Connecting to a host, named with its port. */
  | { readonly kind: "net"; readonly host: string }
  /** Reading or writing a path, and all below it. */
  | { readonly kind: "read" | "write"; readonly path: string };

/** Names and versions of the host and its operating system; `undefined` without permission. */
export interface SystemFacts {
  /** Name and version of the runtime, such as `Node.js 20.20.2`. */
  readonly runtime: string;
  /** The operating system, such as `Linux`. */
  readonly osName?: string;
  /** Its release, such as `6.8.0-31-generic`. */
  readonly osRelease?: string;
  /** Version text of the operating system. */
  readonly osVersion?: string;
}

/** This process, other processes, the environment. */
export interface ProcessInfo {
  /** This process's id. */
  readonly pid: number;
  /** When this process started, in the kernel's own unit, as text; `null` where it cannot be read. */
  readonly startTime: string | null;
  /** The kernel's boot id; `null` where it cannot be read. */
  readonly bootId: string | null;
  /** Identity of this process's PID namespace; `null` where it cannot be read. */
  readonly pidNamespace: string | null;
  /** The host's name. */
  readonly host: string;
  /** The runtime and the operating system. */
  readonly system: SystemFacts;
  /** The user id that this process acts as; `null` where it has none or may not ask. */
  readonly user: number | null;
  /** Whether a process with this id exists in this PID namespace. */
  isAlive(pid: number): boolean;
  /** When the process with this id started, in the same unit as `startTime`; `null` where unknown. */
  startTimeOf(pid: number): string | null;
  /** An environment variable that another process was started with; `undefined` where not known. */
  variableOf(pid: number, name: string): string | undefined;
  /** An environment variable; empty and unreadable ones are `undefined`. */
  env(name: string): string | undefined;
  /** Names of the environment variables that are set; none where the host does not list them. */
  envNames(): string[];
  /** Whether the host allows something; `true` where it has no permissions. Never prompts. */
  allows(need: Need): boolean;
  /** The working directory. */
  cwd(): string;
  /** The user's home directory, where known. */
  home(): string | undefined;
  /**
   * Calls `listener` when the program has nothing left to do, before it ends by itself (not at
   * `process.exit`, signals or crashes). The process stays until the returned promise settles.
   * Returns the function that takes the listener away.
   */
  onBeforeExit(listener: () => Promise<void>): () => void;
  /** Calls `listener`, synchronously, as the process ends in any orderly way (also `process.exit`). */
  onExit(listener: () => void): () => void;
  /**
   * Calls `listener` when a signal asks the program to end (SIGTERM, SIGINT), and hands the signal on
   * when the promise settles. Absent where there are no signals.
   */
  onSignal?(listener: () => Promise<void>): () => void;
}

/** A timer that can be taken back. */
export interface Timer {
  /** Takes the timer back; does nothing once it ran. */
  cancel(): void;
}

/** Time and timers; replaced by a virtual one in simulations. */
export interface Clock {
  /** Wall-clock time, epoch ms with fractions where the host has them. */
  now(): number;
  /** Ms on a clock that never goes back; only differences mean anything. */
  monotonic(): number;
  /** Calls `run` once input and output that is due now has been done; not on every host. */
  soon?(run: () => void): void;
  /** Calls `run` once after `ms`. With `ref: false` (the default) it does not keep the program alive. */
  after(ms: number, run: () => void, options?: { ref?: boolean }): Timer;
}

/**
 * As much of `fetch` as is used: any function of this shape can take its place.
 *
 * @example
 * ```ts
 * import { type Fetch, finish, init } from "@weave-wal/client";
 *
 * const counted: Fetch = (input, init) => fetch(input, init);
 * await init("team/project", { disabled: true, fetch: counted }); // `wal: true` in a program
 * await finish();
 * ```
 */
export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/** As much of a response as is used of the package's own requests; every `Response` has it. */
export interface FetchResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly statusText: string;
  readonly headers: { get(name: string): string | null } & Iterable<[string, string]>;
  readonly body: Response["body"];
  /** Reads the whole body as text. */
  text(): Promise<string>;
  /** Reads the whole body. */
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** A {@linkcode Fetch} for the package's own requests, which needs no `Response` of the host. */
export type OwnFetch = (input: string, init?: RequestInit) => Promise<FetchResponse>;

/** Access to a host's connections. */
export interface Network {
  /**
   * The host's own `fetch` with connections that end when their requests are aborted.
   *
   * @param native The host's `fetch`; one that the program put in its place is left alone.
   * @param fallback Takes the requests that this cannot be done for.
   */
  fetch?(native: Fetch, fallback: Fetch, options: ConnectionOptions): Fetch;
  /** The same for requests that let the program end once they are connected. */
  backgroundFetch?(native: Fetch, fallback: Fetch, options: ConnectionOptions): OwnFetch;
}

/** Options of connections. */
export interface ConnectionOptions {
  /** Ms after which an attempt to connect is given up. */
  readonly connectMs: number;
}
