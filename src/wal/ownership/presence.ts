/**
 * The presence file of a process: that it runs, and what its sender is doing.
 *
 * `<root>/.processes/<token>.json` exists before the first segment of the process does, and is
 * rewritten at every heartbeat and at every change of the sender's state. The names of segments
 * contain the token, so this one file is the heartbeat for all of them. A process that ends normally
 * removes it, or marks it as ended if records are left.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";
import { removeIfExists } from "../remove_file.ts";
import { LEASE_MS } from "./failure_detector.ts";
import { ownIdentity, type ProcessIdentity, readIdentity } from "./process_identity.ts";

/** Directory of the presence files, below the root of all logs; no entity's name begins with a dot. */
export const PROCESSES_DIRECTORY = ".processes";

/** Status of a sender. Never contains the key or traced data. */
export interface SenderReport {
  /** Base URL of the server that it sends to. */
  readonly server: string;
  /** Whether the server accepts requests (`up`), is unreachable (`down`) or rejects them (`blocked`). */
  readonly state: "up" | "down" | "blocked";
  /** Why it is not up. */
  readonly reason: string;
  /** Since when the state lasts, epoch ms. */
  readonly since: number;
  /** When it tries again, epoch ms; `null` while the server is up. */
  readonly nextAttempt: number | null;
  /** Records delivered and dead-lettered so far. */
  readonly delivered: number;
  readonly deadLettered: number;
  /** When something was last delivered, epoch ms. */
  readonly lastDelivery: number | null;
  /** The last error, and when it occurred, epoch ms. */
  readonly lastError: { readonly message: string; readonly at: number } | null;
}

/** Status of the log of a process. Never contains the key or traced data. */
export interface LogReport {
  readonly entity: string;
  readonly project: string;
  /** The place of new records: the disk, or memory because the disk does not take them. */
  readonly kind: "file" | "memory";
  /** Why the disk does not take them; `null` while it does. */
  readonly diskError: DiskError | null;
  /** Records that the process wrote so far. */
  readonly appended: number;
  /** Records and bytes that only the memory of the process holds. */
  readonly memory: { readonly records: number; readonly bytes: number };
  /** Records that were dropped, by cause; causes without any are left out. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Bytes that the project's directory takes, how many it may, and what happens at the limit. */
  readonly quota: {
    readonly usedBytes: number;
    readonly maxBytes: number;
    readonly policy: "drop-new" | "drop-oldest";
    /** When the limit is reached at the present rate, epoch ms; `null` if it does not grow. */
    readonly fullAt: number | null;
  };
}

/**
 * An error because of which a disk takes no records.
 *
 * @example
 * ```ts
 * import { type DiskError, init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const error: DiskError | null = (await client.stats()).diskError;
 * if (error) throw new Error(error.message);
 * ```
 */
export interface DiskError {
  /** The file system's words. */
  readonly message: string;
  /** Code of the error, such as `ENOSPC`; `unknown` if it has none. */
  readonly code: string;
  /** Since when, epoch ms. */
  readonly at: number;
}

/** Whether a log has lost records, or loses those of its memory when its process ends. */
export function hasLosses({ dropped, memory }: LogReport): boolean {
  return memory.records > 0 || Object.keys(dropped).length > 0;
}

/** Contents of a presence file. */
export interface PresenceState {
  readonly token: string;
  readonly identity: ProcessIdentity;
  /** Base URL of the server that the records of the process are for. */
  readonly server: string;
  /** Whether the process sends what it writes. */
  readonly sender: boolean;
  /** Whether the process has closed its log: no record will follow. */
  readonly ended: boolean;
  /** Status of its sender; `null` if it has none, or has not reported yet. */
  readonly report: SenderReport | null;
  /** Status of its log; `null` if it writes none, or has not reported yet. */
  readonly log: LogReport | null;
}

/** Options for {@linkcode Presence}. */
export interface PresenceOptions {
  readonly runtime: Runtime;
  /** Directory of all logs. */
  readonly root: string;
  /** The token of this process, 32 hex digits. */
  readonly token: string;
  /** Base URL of the server. */
  readonly server: string;
  /** Whether this process sends. */
  readonly sender: boolean;
  /** Status of the sender now; asked at every heartbeat. */
  readonly report: () => SenderReport | null;
  /** Status of the log now; asked at every heartbeat. */
  readonly log?: () => LogReport;
  /** Called when another process asks this one to send now. */
  readonly onWake?: () => void;
}

/** The presence file of this process. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #path: string;
  /** When the last successful heartbeat began, on the monotonic clock. */
  #heartbeatAt = -Infinity;
  #lapses = 0;
  #ended = false;

  /** Makes a presence; nothing is written before the first heartbeat. */
  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#path = presencePath(options.root, options.token);
  }

  /**
   * Whether the last heartbeat is so recent that no process can have presumed this one dead; reads no
   * file.
   */
  get isFresh(): boolean {
    return this.#options.runtime.clock.monotonic() - this.#heartbeatAt <= LEASE_MS;
  }

  /**
   * Heartbeats that came so late that another process may have presumed this one dead. Code that
   * relies on a fresh heartbeat has to look for fences once after each lapse.
   */
  get lapses(): number {
    return this.#lapses;
  }

  /** Writes the file unless a fresh one exists. Throws the host's error if the disk does not take it. */
  ensure(): void {
    if (!this.isFresh) this.#write();
  }

  /**
   * Sends a heartbeat. Does nothing before there is a log: its root is made by the first writer.
   * Throws the host's error if the disk does not take it.
   */
  heartbeat(): void {
    const { runtime: { files }, root, onWake } = this.#options;
    if (files.stat(root) === null) return;
    this.#write();
    const wake = wakePath(this.#path);
    if (onWake === undefined || !files.exists(wake)) return;
    removeIfExists(files, wake);
    onWake();
  }

  /** Sends a heartbeat; returns whether the disk took it. */
  tryHeartbeat(): boolean {
    try {
      this.heartbeat();
      return this.isFresh;
    } catch {
      return false;
    }
  }

  /**
   * The process has closed its log.
   *
   * @param leaves Whether the file is still needed: records are left, or were lost.
   */
  end(leaves: boolean): void {
    this.#ended = true;
    const { files } = this.#options.runtime;
    if (leaves) return this.heartbeat();
    removeIfExists(files, this.#path);
    removeIfExists(files, wakePath(this.#path));
    try {
      files.removeDirectory(dirname(this.#path));
    } catch {
      // Other processes are running, or nothing was ever written.
    }
  }

  #write(): void {
    const { runtime: { files, process, clock }, token, server, sender, report, log } =
      this.#options;
    const at = clock.monotonic();
    const facts = { token, ...ownIdentity(process), server, sender, ended: this.#ended };
    const text = JSON.stringify({ ...facts, ...report(), ...(log ? { log: log() } : {}) });
    files.makeDirectory(dirname(this.#path));
    try {
      files.replace(this.#path, text);
    } catch (error) {
      if (!hasCode(error, "ENOSPC") && !hasCode(error, "EDQUOT")) throw error;
      // A full disk takes no new file, but it takes other bytes in the blocks of this one.
      try {
        files.overwrite(this.#path, text);
      } catch {
        throw error;
      }
    }
    if (at - this.#heartbeatAt > LEASE_MS && this.#heartbeatAt !== -Infinity) this.#lapses++;
    this.#heartbeatAt = at;
  }
}

/** Path of the presence file of the process with this token. */
export function presencePath(root: string, token: string): string {
  return join(root, PROCESSES_DIRECTORY, `${token}.json`);
}

/** Path of the file that asks the process with this presence file to send now. */
function wakePath(presence: string): string {
  return presence.replace(/\.json$/, ".wake");
}

/**
 * Asks the process with this token to send now instead of at the end of its backoff; it looks for such
 * requests at its heartbeats. Throws the host's error.
 */
export function wakeProcess({ files }: Pick<Runtime, "files">, root: string, token: string): void {
  const path = presencePath(root, token);
  if (files.stat(path) === null) return;
  try {
    files.createExclusive(wakePath(path), "");
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}

/** Reads a presence file; `null` if it does not exist or is corrupt. */
export function readPresence(
  { files }: Pick<Runtime, "files">,
  path: string,
): PresenceState | null {
  let value: Record<string, unknown> | null;
  try {
    value = JSON.parse(files.readText(path)) as Record<string, unknown> | null;
  } catch {
    return null;
  }
  const { token, server, sender, ended, state } = value ?? {};
  const identity = readIdentity(value);
  if (identity === null || typeof token !== "string" || typeof server !== "string") return null;
  return {
    token,
    identity,
    server,
    sender: sender === true,
    ended: ended === true,
    report: state === undefined ? null : reportOf(server, value!),
    log: logReportOf(value!.log),
  };
}

function logReportOf(value: unknown): LogReport | null {
  if (typeof value !== "object" || value === null) return null;
  const { entity, project, kind, diskError, appended, memory, dropped, quota } = value as
    & Record<
      string,
      Record<string, unknown>
    >
    & Record<"entity" | "project" | "kind", unknown>;
  if (typeof entity !== "string" || typeof project !== "string") return null;
  return {
    entity,
    project,
    kind: kind === "memory" ? "memory" : "file",
    diskError: diskErrorOf(diskError),
    appended: numberOr(appended, 0),
    memory: { records: numberOr(memory?.records, 0), bytes: numberOr(memory?.bytes, 0) },
    dropped: Object.fromEntries(
      Object.entries(dropped ?? {}).filter((entry): entry is [string, number] =>
        typeof entry[1] === "number" && entry[1] > 0
      ),
    ),
    quota: {
      usedBytes: numberOr(quota?.usedBytes, 0),
      maxBytes: numberOr(quota?.maxBytes, 0),
      policy: quota?.policy === "drop-oldest" ? "drop-oldest" : "drop-new",
      fullAt: numberOrNull(quota?.fullAt),
    },
  };
}

function diskErrorOf(value: unknown): DiskError | null {
  const error = errorOf(value);
  if (error === null) return null;
  const { code } = value as { code?: unknown };
  return { ...error, code: typeof code === "string" ? code : "unknown" };
}

function errorOf(value: unknown): { message: string; at: number } | null {
  const error = value as { message?: unknown; at?: unknown } | null | undefined;
  if (typeof error?.message !== "string") return null;
  return { message: error.message, at: numberOr(error.at, 0) };
}

function reportOf(server: string, value: Record<string, unknown>): SenderReport {
  const { state, reason, since, nextAttempt, delivered, deadLettered, lastDelivery, lastError } =
    value;
  return {
    server,
    state: state === "down" || state === "blocked" ? state : "up",
    reason: typeof reason === "string" ? reason : "",
    since: numberOr(since, 0),
    nextAttempt: numberOrNull(nextAttempt),
    delivered: numberOr(delivered, 0),
    deadLettered: numberOr(deadLettered, 0),
    lastDelivery: numberOrNull(lastDelivery),
    lastError: errorOf(lastError),
  };
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
