/**
 * The library's interface to the JavaScript runtime: files, processes, time.
 *
 * There is one adapter for each kind of runtime (`node`, also for Bun; `deno`; `edge`), and a
 * simulated one for tests; `detect.ts` chooses. Nothing outside this folder uses `Deno`, `Bun` or
 * `node:fs`.
 *
 * @module
 */

import type { FileSystem } from "./file_system.ts";

/** The runtime that an adapter is for; `bare` is one without files. */
export type RuntimeName = "deno" | "bun" | "node" | "memory" | "bare";

/** Everything that the library needs from a JavaScript runtime. */
export interface Runtime {
  /** The runtime's name. */
  readonly name: RuntimeName;
  /** Files and directories. */
  readonly files: FileSystem;
  /** This process, and information about others. */
  readonly process: ProcessInfo;
  /** Time and timers. */
  readonly clock: Clock;
  /** Access to the runtime's connections, if available. */
  readonly network?: Network;
}

/** A permission that a runtime grants or denies. */
export type Need =
  /** Reading an environment variable. */
  | { readonly kind: "env"; readonly variable: string }
  /** Connecting to a host, given with its port. */
  | { readonly kind: "net"; readonly host: string }
  /** Reading or writing a path and everything below it. */
  | { readonly kind: "read" | "write"; readonly path: string };

/** Names and versions of the runtime and the operating system; `undefined` without permission. */
export interface SystemFacts {
  /** Name and version of the runtime, such as `Node.js 20.20.2`. */
  readonly runtime: string;
  /** Name of the operating system, such as `Linux`. */
  readonly osName?: string;
  /** Release of the operating system, such as `6.8.0-31-generic`. */
  readonly osRelease?: string;
  /** Version text of the operating system. */
  readonly osVersion?: string;
}

/** A process that exists. */
export interface FoundProcess {
  /** Its start time, in the unit of {@linkcode ProcessInfo.startTime}; `null` if unknown. */
  readonly startTime: string | null;
}

/** This process, other processes, and the environment. */
export interface ProcessInfo {
  /** ID of this process. */
  readonly pid: number;
  /** Start time of this process, in the kernel's unit, as text; `null` if it cannot be read. */
  readonly startTime: string | null;
  /** The kernel's boot ID; `null` if it cannot be read. */
  readonly bootId: string | null;
  /** Identity of this process's PID namespace; `null` if it cannot be read. */
  readonly pidNamespace: string | null;
  /** The host name of the machine. */
  readonly host: string;
  /** The runtime and the operating system. */
  readonly system: SystemFacts;
  /** The effective user ID; `null` if there is none or it may not be read. */
  readonly user: number | null;
  /** Looks up a process in this PID namespace; `null` if there is none with this ID. */
  findProcess(pid: number): FoundProcess | null;
  /** Returns a variable from the initial environment of another process; `undefined` if unknown. */
  variableOf(pid: number, name: string): string | undefined;
  /** Returns an environment variable; `undefined` if it is empty or unreadable. */
  env(name: string): string | undefined;
  /**
   * Returns the names of all environment variables that are set; empty if they cannot be listed.
   */
  envNames(): string[];
  /**
   * Returns whether the runtime grants a permission; `true` if it has no permissions. Never
   * prompts.
   */
  allows(need: Need): boolean;
  /** Returns the working directory. */
  cwd(): string;
  /** Returns the user's home directory, if known. */
  home(): string | undefined;
  /**
   * Calls `listener` when the program has nothing left to do and would end (not at `process.exit`,
   * signals or crashes). The process stays alive until the returned promise settles. Returns a
   * function that removes the listener.
   */
  onBeforeExit(listener: () => Promise<void>): () => void;
  /**
   * Calls `listener` synchronously when the process ends in any orderly way (including
   * `process.exit`).
   */
  onExit(listener: () => void): () => void;
  /**
   * Calls `listener` when a signal asks the program to end (SIGTERM, SIGINT), and forwards the
   * signal once the promise settles. Absent if there are no signals.
   */
  onSignal?(listener: () => Promise<void>): () => void;
}

/** A timer that can be canceled. */
export interface Timer {
  /** Cancels the timer; does nothing after it has fired. */
  cancel(): void;
}

/** Time and timers; replaced by a virtual one in simulations. */
export interface Clock {
  /** Returns the wall-clock time, epoch ms, with fractions if the runtime has them. */
  now(): number;
  /** Returns ms on a clock that never goes back; only differences are meaningful. */
  monotonic(): number;
  /** Calls `run` once pending I/O has been handled; not available on every runtime. */
  soon?(run: () => void): void;
  /**
   * Calls `run` once after `ms`. With `ref: false` (the default), it does not keep the program
   * alive.
   */
  after(ms: number, run: () => void, options?: { ref?: boolean }): Timer;
}

/**
 * The part of `fetch` that is used. Any function of this type can replace it.
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

/** The part of a response that the package's own requests use; every `Response` has it. */
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

/**
 * A {@linkcode Fetch} for the package's own requests, which does not need the runtime's `Response`.
 */
export type OwnFetch = (input: string, init?: RequestInit) => Promise<FetchResponse>;

/** Access to a runtime's connections. */
export interface Network {
  /**
   * Returns the runtime's `fetch` with connections that end when their requests are aborted.
   *
   * @param native The runtime's `fetch`; one that the program has replaced is left unchanged.
   * @param fallback Handles requests for which this is not possible.
   */
  fetch?(native: Fetch, fallback: Fetch, options: ConnectionOptions): OwnFetch;
  /** Same as `fetch`, for requests that let the program end once they are connected. */
  backgroundFetch?(native: Fetch, fallback: Fetch, options: ConnectionOptions): OwnFetch;
}

/** Options for connections. */
export interface ConnectionOptions {
  /** Ms after which a connection attempt times out. */
  readonly connectMs: number;
  /** Returns the URL of the HTTP or SOCKS proxy for an origin; `null` if there is none. */
  readonly proxyFor: (origin: string) => string | null;
}
