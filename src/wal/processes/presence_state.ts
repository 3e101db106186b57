/**
 * The contents of presence files.
 *
 * @module
 */

import { join } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";
import { type ProcessIdentity, readIdentity } from "./process_identity.ts";

/** Directory of the presence files, in the root of all logs. No entity name begins with a dot. */
export const PROCESSES_DIRECTORY = ".processes";

/** Status of a sender. Never contains the API key or traced data. */
export interface SenderReport {
  /** Base URL of the server that it sends to. */
  readonly server: string;
  /**
   * `up`: the server accepts requests; `down`: it is unreachable; `blocked`: it rejects requests.
   */
  readonly state: "up" | "down" | "blocked";
  /** Why the state is not `up`. */
  readonly reason: string;
  /** Time at which the state began, epoch ms. */
  readonly since: number;
  /** Time of the next attempt, epoch ms; `null` while the server is up. */
  readonly nextAttempt: number | null;
  /** Number of records delivered and dead-lettered so far. */
  readonly delivered: number;
  readonly deadLettered: number;
  /** Time of the last delivery, epoch ms. */
  readonly lastDelivery: number | null;
  /** The last error, and its time, epoch ms. */
  readonly lastError: { readonly message: string; readonly at: number } | null;
}

/** Status of the log of a process. Never contains the API key or traced data. */
export interface LogReport {
  readonly entity: string;
  readonly project: string;
  /** Storage of new records: the disk, or memory while the disk fails. */
  readonly kind: "file" | "memory";
  /** Why the disk fails; `null` if it does not. */
  readonly diskError: DiskError | null;
  /** Why records on disk cannot be fsynced; `null` if they can, or if none had to be yet. */
  readonly syncError: DiskError | null;
  /** Number of records that the process has written so far. */
  readonly appended: number;
  /** Records and bytes that exist only in the memory of the process. */
  readonly memory: { readonly records: number; readonly bytes: number };
  /** Number of dropped records by cause, without causes that did not occur. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Bytes in use by the project's directory, their limit, and what happens at the limit. */
  readonly quota: {
    readonly usedBytes: number;
    readonly maxBytes: number;
    readonly policy: "drop-new" | "drop-oldest";
    /**
     * Time at which the limit is reached at the current rate, epoch ms; `null` if usage does not
     * grow.
     */
    readonly fullAt: number | null;
  };
}

/**
 * An error that prevents records from being written to disk, or from being fsynced.
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
  /** The file system's message. */
  readonly message: string;
  /** Code of the error, such as `ENOSPC`; `unknown` if it has none. */
  readonly code: string;
  /** Time at which the error first occurred, epoch ms. */
  readonly at: number;
}

/** Returns whether a log has lost records, or will lose those in memory when its process ends. */
export function hasLosses({ dropped, memory }: LogReport): boolean {
  return memory.records > 0 || Object.keys(dropped).length > 0;
}

/** Contents of a presence file. */
export interface PresenceState {
  readonly token: string;
  readonly identity: ProcessIdentity;
  /** Base URL of the server for the process's records. */
  readonly server: string;
  /** Whether the process sends what it writes. */
  readonly sender: boolean;
  /** Whether its log may have ends of calls that started in other logs, as a relay's may. */
  readonly sharesCalls: boolean;
  /** Whether the process has closed its log, so that no record will follow. */
  readonly ended: boolean;
  /** Time of this heartbeat, epoch ms by its own clock; `null` if not recorded. */
  readonly at: number | null;
  /** Status of its sender; `null` if it has none or has not reported yet. */
  readonly report: SenderReport | null;
  /** Status of its log; `null` if it writes none or has not reported yet. */
  readonly log: LogReport | null;
}

/** Returns the path of the presence file of the process with this token. */
export function presencePath(root: string, token: string): string {
  return join(root, PROCESSES_DIRECTORY, `${token}.json`);
}

/** Reads a presence file; returns `null` if it does not exist or is corrupt. */
export function readPresence(
  { files }: Pick<Runtime, "files">,
  path: string,
): PresenceState | null {
  try {
    return parsePresence(files.readText(path));
  } catch {
    return null;
  }
}

/** Reads the text of a presence; returns `null` if it is corrupt. */
export function parsePresence(text: string): PresenceState | null {
  let value: Record<string, unknown> | null;
  try {
    value = JSON.parse(text) as Record<string, unknown> | null;
  } catch {
    return null;
  }
  const { token, server, sender, sharesCalls, ended, at, state } = value ?? {};
  const identity = readIdentity(value);
  if (identity === null || typeof token !== "string" || typeof server !== "string") return null;
  return {
    token,
    identity,
    server,
    sender: sender === true,
    sharesCalls: sharesCalls === true,
    ended: ended === true,
    at: numberOrNull(at),
    report: state === undefined ? null : reportOf(server, value!),
    log: logReportOf(value!.log),
  };
}

function logReportOf(value: unknown): LogReport | null {
  if (typeof value !== "object" || value === null) return null;
  const { entity, project, kind, diskError, syncError, appended, memory, dropped, quota } = value as
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
    syncError: diskErrorOf(syncError),
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
