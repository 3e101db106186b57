/**
 * Processes that write or send logs, as their files show them: for people and for the command.
 *
 * Senders judge for themselves (`writer_state.ts`); this is a look at one moment.
 *
 * @module
 */

import { dirname } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";
import { isProcessToken, parseStem, type SegmentPaths } from "../segment/segment_name.ts";
import { STALE_AFTER_MS } from "./failure_detector.ts";
import { readOwner } from "./owner_file.ts";
import { presencePath, type PresenceState, readPresence } from "./presence_state.ts";
import { liveness, type ProcessIdentity } from "./process_identity.ts";
import { processTokens } from "./process_list.ts";
import { onlyWrites } from "./python_writer.ts";

/**
 * State of a process that left its name on disk.
 *
 * - `alive`: it runs here, and its heartbeat is fresh.
 * - `unresponsive`: it runs here, but has sent no heartbeat for a while: suspended, hung, or unable
 *   to write to its disk.
 * - `dead`: it does not exist any more.
 * - `closed`: it has closed its log.
 * - `remote`: it is on another host or in another container; only its heartbeat is evidence.
 */
export type ProcessLiveness = "alive" | "unresponsive" | "dead" | "closed" | "remote";

/** A process that left its name on disk. */
export interface ProcessStatus {
  readonly liveness: ProcessLiveness;
  /** `null` where the file does not say. */
  readonly pid: number | null;
  /** `null` where the file does not say. */
  readonly host: string | null;
  /** Its last heartbeat, epoch ms by the file system's clock; `null` where it has none. */
  readonly lastHeartbeat: number | null;
}

/** The writer of a segment. */
export interface Writer extends ProcessStatus {
  /** Whether it sends what it writes; `null` where the file does not say (Python). */
  readonly sends: boolean | null;
  /** Base URL of the server that the records are for; `null` where the file does not say. */
  readonly server: string | null;
  /** Whether the file that names it is missing or cannot be read. */
  readonly unnamed: boolean;
}

/** A process as its presence file shows it. */
export interface ProcessView extends ProcessStatus, Pick<PresenceState, "token" | "server"> {
  /** Whether it sends. */
  readonly sends: boolean;
  /** Status of its sender; `null` if it has none. */
  readonly sender: PresenceState["report"];
  /** Status of its log; `null` if it writes none. */
  readonly log: PresenceState["log"];
}

/** Looks at the process that `identity` names, whose heartbeat is the file at `path`. */
export function processStatusOf(
  runtime: Runtime,
  identity: ProcessIdentity | null,
  path: string,
): ProcessStatus {
  const { files, process, clock } = runtime;
  const lastHeartbeat = files.stat(path)?.modified ?? null;
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

/** Looks at the writer of a stem, also if its data is removed. */
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
 * A machine crash can lose or empty the file: senders wait for a heartbeat before they take over.
 */
function unnamedWriter(runtime: Runtime, path: string): Writer {
  return { ...processStatusOf(runtime, null, path), sends: null, server: null, unnamed: true };
}

/** The Python SDK writes a lock with a PID of this host and no owner file. */
function lockHolder({ files, process }: Runtime, path: string): Writer {
  const unknown = { host: null, lastHeartbeat: null, sends: null, server: null, unnamed: false };
  let text: string;
  try {
    text = files.readText(path).trim();
  } catch {
    return { liveness: "closed", pid: null, ...unknown };
  }
  const pid = /^\d{1,10}$/.test(text) ? Number(text) : null;
  const isAlive = pid !== null && pid !== process.pid && process.isAlive(pid);
  const sends = isAlive && onlyWrites(process, pid) ? false : null;
  return { ...unknown, liveness: isAlive ? "alive" : "dead", pid, sends };
}

/** All processes with a presence file below `root`, those included that ended or died. */
export async function readProcesses(runtime: Runtime, root: string): Promise<ProcessView[]> {
  const views: ProcessView[] = [];
  for (const token of (await processTokens(runtime, root)).sort()) {
    const path = presencePath(root, token);
    const presence = readPresence(runtime, path);
    if (presence === null) continue;
    const { server, sender: sends, report: sender, log } = presence;
    views.push({ ...presentProcess(runtime, presence, path), token, server, sends, sender, log });
  }
  return views;
}

/** Whether a process may still do something: neither dead nor done. */
export function isRunning({ liveness }: ProcessStatus): boolean {
  return liveness !== "dead" && liveness !== "closed";
}
