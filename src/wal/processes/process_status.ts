/**
 * Status of the processes that write or send logs, as their files show it, for people and for the
 * command.
 *
 * This is a snapshot; senders judge for themselves (`writer_state.ts`).
 *
 * @module
 */

import { dirname } from "@std/path";
import { Slices } from "../../runtime/event_loop.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { isProcessToken, parseStem, type SegmentPaths } from "../segment/segment_name.ts";
import { STALE_AFTER_MS } from "./failure_detector.ts";
import { readOwner } from "./owner_file.ts";
import { presencePath, type PresenceState, readPresence } from "./presence_state.ts";
import { liveness, type ProcessIdentity } from "./process_identity.ts";
import { processTokens } from "./process_list.ts";
import { onlyWrites } from "./python_writer.ts";

/**
 * State of a process that has files on disk.
 *
 * - `alive`: it runs on this host, and its heartbeat is fresh.
 * - `unresponsive`: it runs on this host, but has sent no heartbeat for a while: it is suspended,
 *   hung, or cannot write to its disk.
 * - `dead`: it no longer exists.
 * - `closed`: it has closed its log.
 * - `remote`: it is on another host or in another container; only its heartbeat is evidence.
 */
export type ProcessLiveness = "alive" | "unresponsive" | "dead" | "closed" | "remote";

/** A process that has files on disk. */
export interface ProcessStatus {
  readonly liveness: ProcessLiveness;
  /** `null` if the file does not contain it. */
  readonly pid: number | null;
  /** `null` if the file does not contain it. */
  readonly host: string | null;
  /** Time of its last heartbeat, epoch ms by the file system's clock; `null` if there is none. */
  readonly lastHeartbeat: number | null;
}

/** The writer of a segment. */
export interface Writer extends ProcessStatus {
  /** Whether it sends what it writes; `null` if the file does not say so (Python). */
  readonly sends: boolean | null;
  /** Base URL of the records' server; `null` if the file does not contain it. */
  readonly server: string | null;
  /** Whether the file that names it is missing or unreadable. */
  readonly unnamed: boolean;
}

/** A process, according to its presence file. */
export interface ProcessView extends ProcessStatus, Pick<PresenceState, "token" | "server"> {
  /** Whether it sends. */
  readonly sends: boolean;
  /** Status of its sender; `null` if it has none. */
  readonly sender: PresenceState["report"];
  /** Status of its log; `null` if it writes none. */
  readonly log: PresenceState["log"];
}

/** Returns the status of the process with this identity, whose heartbeat is the file at `path`. */
export function processStatusOf(
  runtime: Runtime,
  identity: ProcessIdentity | null,
  path: string,
): ProcessStatus {
  return statusOf(runtime, identity, runtime.files.stat(path)?.modified ?? null);
}

/** Returns the status of the process with this identity and heartbeat (epoch ms). */
export function statusOf(
  { process, clock }: Pick<Runtime, "process" | "clock">,
  identity: ProcessIdentity | null,
  lastHeartbeat: number | null,
): ProcessStatus {
  if (identity === null) return { liveness: "remote", pid: null, host: null, lastHeartbeat };
  const { pid, host } = identity;
  const known = liveness(identity, process);
  const isLate = lastHeartbeat === null || clock.now() - lastHeartbeat > STALE_AFTER_MS;
  return { liveness: livenessOf(known, isLate), pid, host, lastHeartbeat };
}

function livenessOf(known: ReturnType<typeof liveness>, isLate: boolean): ProcessLiveness {
  if (known === "dead") return "dead";
  if (known === "unknown") return "remote";
  return isLate ? "unresponsive" : "alive";
}

/** The files of a stem that name its writer. */
export interface WriterFiles {
  readonly directory: string;
  readonly stem: string;
  readonly paths: Pick<SegmentPaths, "owner" | "lock">;
}

/** Returns the writer of a stem, even if its data is removed. */
export function writerOf(runtime: Runtime, { directory, stem, paths }: WriterFiles): Writer {
  const token = parseStem(stem)?.writer ?? "";
  if (isProcessToken(token)) {
    return processWriter(runtime, presencePath(dirname(dirname(directory)), token));
  }
  const owner = readOwner(runtime.files, paths.owner);
  if (owner === "missing") return lockHolder(runtime, paths.lock);
  if (owner === "corrupt") return unnamedWriter(runtime, paths.owner);
  const status = processStatusOf(runtime, owner, paths.owner);
  const { sender: sends, server, closed } = owner;
  return { ...status, ...(closed ? { liveness: "closed" } : {}), sends, server, unnamed: false };
}

function processWriter(runtime: Runtime, path: string): Writer {
  const presence = readPresence(runtime, path);
  if (presence === null) return unnamedWriter(runtime, path);
  const { sender: sends, server } = presence;
  return { ...presentProcess(runtime, presence, path), sends, server, unnamed: false };
}

function presentProcess(runtime: Runtime, presence: PresenceState, path: string): ProcessStatus {
  const status = processStatusOf(runtime, presence.identity, path);
  return presence.ended ? { ...status, liveness: "closed" } : status;
}

/**
 * A machine crash can lose or empty the file. Senders then wait for a heartbeat before they take
 * over.
 */
function unnamedWriter(runtime: Runtime, path: string): Writer {
  return { ...processStatusOf(runtime, null, path), sends: null, server: null, unnamed: true };
}

/** The Python SDK writes a lock with a PID of this host, but no owner file. */
function lockHolder({ files, process }: Runtime, path: string): Writer {
  const unknown = { host: null, lastHeartbeat: null, sends: null, server: null, unnamed: false };
  let text: string;
  try {
    text = files.readText(path).trim();
  } catch {
    return { liveness: "closed", pid: null, ...unknown };
  }
  const pid = /^\d{1,10}$/.test(text) ? Number(text) : null;
  const isAlive = pid !== null && pid !== process.pid && process.findProcess(pid) !== null;
  const sends = isAlive && onlyWrites(process, pid) ? false : null;
  return { ...unknown, liveness: isAlive ? "alive" : "dead", pid, sends };
}

/**
 * Returns all processes with a presence file in `root`, including dead ones and those that have
 * ended.
 */
export async function readProcesses(runtime: Runtime, root: string): Promise<ProcessView[]> {
  const views: ProcessView[] = [];
  const slices = new Slices(runtime.clock);
  for (const token of (await processTokens(runtime, root)).sort()) {
    if (slices.isOver) await slices.next();
    const path = presencePath(root, token);
    const presence = readPresence(runtime, path);
    if (presence === null) continue;
    const { server, sender: sends, report: sender, log } = presence;
    views.push({ ...presentProcess(runtime, presence, path), token, server, sends, sender, log });
  }
  return views;
}

/** Returns whether a process may still act: it is neither dead nor closed. */
export function isRunning({ liveness }: ProcessStatus): boolean {
  return liveness !== "dead" && liveness !== "closed";
}
