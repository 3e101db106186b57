/**
 * What stands in a log's directory, told without touching it: for people and for the command.
 *
 * Senders judge for themselves (`recovery.ts`); what is told here is a look at one moment.
 *
 * @module
 */

import { basename, dirname } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { FileSystem, Runtime } from "../../runtime/runtime.ts";
import { type CheckpointState, readCheckpoint } from "../segment/checkpoint.ts";
import { currentClaim } from "./lease.ts";
import { STALE_AFTER_MS } from "./failure_detector.ts";
import { type Identity, liveness } from "./process_identity.ts";
import {
  mayBeFor,
  parseStem,
  SEGMENT_SUFFIX,
  type SegmentPaths,
  segmentPaths,
} from "../segment/segment_name.ts";
import { readOwner } from "./owner_file.ts";

/** The files that share a stem. */
export interface StemFiles {
  readonly directory: string;
  readonly stem: string;
  readonly paths: SegmentPaths;
  /** What follows the stem in the names found: `.jsonl`, `.lock`, `.claim.1`, … */
  readonly suffixes: ReadonlySet<string>;
}

/**
 * What a process that left its name on disk is doing.
 *
 * - `alive`: it runs here, and its heartbeat is fresh.
 * - `silent`: it runs here, but has not beaten for a while: stopped, or stuck.
 * - `dead`: it is gone.
 * - `closed`: a writer that said it was done with the file.
 * - `elsewhere`: on another host or in another container; only its heartbeat speaks.
 */
export type Standing = "alive" | "silent" | "dead" | "closed" | "elsewhere";

/** A process that left its name on disk. */
export interface Party {
  readonly standing: Standing;
  /** `null` where the file does not say. */
  readonly pid: number | null;
  /** `null` where the file does not say. */
  readonly host: string | null;
  /** Its last heartbeat, epoch ms by the file system's clock; `null` where it has none. */
  readonly beat: number | null;
}

/** Who writes a segment. */
export interface Writer extends Party {
  /** Whether it sends what it writes; `null` where the file does not say (Python). */
  readonly sends: boolean | null;
  /** Base URL of the server that the records are for; `null` where the file does not say. */
  readonly server: string | null;
  /** Whether its owner file cannot be read. */
  readonly damaged: boolean;
}

/** Who drains a segment. */
export interface ClaimHolder extends Party {
  /** The sender's token; `null` when the claim is damaged. */
  readonly token: string | null;
}

/** A segment as it stood when it was looked at. */
export interface SegmentState extends StemFiles {
  /** Bytes of the data file. */
  readonly size: number;
  readonly checkpoint: CheckpointState;
  readonly writer: Writer;
  /** Who drains it; `null` when nobody does. */
  readonly claim: ClaimHolder | null;
}

/** Groups the names in `directory` by stem, oldest first; what belongs to no stem is left out. */
export function listStems(files: FileSystem, directory: string): StemFiles[] {
  const stems = new Map<string, Set<string>>();
  for (const { name, kind } of files.list(directory)) {
    const dot = name.indexOf(".");
    if (kind !== "file" || dot === -1 || parseStem(name.slice(0, dot)) === null) continue;
    const stem = name.slice(0, dot);
    const suffixes = stems.get(stem);
    if (suffixes) suffixes.add(name.slice(dot));
    else stems.set(stem, new Set([name.slice(dot)]));
  }
  return [...stems].sort(([a], [b]) => a < b ? -1 : 1).map(([stem, suffixes]) => ({
    directory,
    stem,
    paths: segmentPaths(directory, stem),
    suffixes,
  }));
}

/** The files around the one data file at `path`, whatever its name is. */
export function stemOf(files: FileSystem, path: string): StemFiles {
  const directory = dirname(path);
  const stem = basename(path).replace(/\.jsonl$/, "");
  const suffixes = new Set<string>();
  for (const { name } of files.list(directory)) {
    if (name.startsWith(`${stem}.`)) suffixes.add(name.slice(stem.length));
  }
  return { directory, stem, paths: { ...segmentPaths(directory, stem), data: path }, suffixes };
}

/** Looks at a segment; `null` when its data is not there (any more). */
export function inspectSegment(runtime: Runtime, stem: StemFiles): SegmentState | null {
  const { files } = runtime;
  if (!stem.suffixes.has(SEGMENT_SUFFIX)) return null;
  const stat = files.stat(stem.paths.data);
  if (stat === null || stat.kind !== "file") return null;
  return {
    ...stem,
    size: stat.size,
    checkpoint: checkpointOf(files, stem, stat.size),
    writer: writerOf(runtime, stem),
    claim: claimOf(runtime, stem),
  };
}

/** Whether the records of a segment may go to `server`, as senders see it. */
export function isForServer({ writer, stem }: SegmentState, server: string): boolean {
  if (writer.server !== null) return writer.server === server;
  return !writer.damaged || mayBeFor(server, parseStem(stem)?.writer ?? "");
}

/**
 * Whether dead letters of a stem may go to `server`. Its owner file is gone with its data; then the
 * name alone speaks.
 */
export function lettersAreFor(runtime: Runtime, stem: StemFiles, server: string): boolean {
  const named = writerOf(runtime, stem).server;
  if (named !== null) return named === server;
  return mayBeFor(server, parseStem(stem.stem)?.writer ?? "");
}

/** Bytes of a segment that wait. */
export function pendingBytes({ size, checkpoint }: SegmentState): number {
  return Math.max(0, size - checkpoint.offset);
}

/** Whether no record will follow, as far as can be told. */
export function isSealed({ writer }: SegmentState): boolean {
  return writer.standing === "closed" || writer.standing === "dead";
}

/** Looks at the process that `identity` names, whose heartbeat is the file at `path`. */
export function partyOf(runtime: Runtime, identity: Identity | null, path: string): Party {
  const { files, process, clock } = runtime;
  const beat = files.stat(path)?.modified ?? null;
  if (identity === null) return { standing: "elsewhere", pid: null, host: null, beat };
  const { pid, host } = identity;
  const state = liveness(identity, process);
  const silent = beat === null || clock.now() - beat > STALE_AFTER_MS;
  const standing = state === "dead"
    ? "dead"
    : state === "unknown"
    ? "elsewhere"
    : silent
    ? "silent"
    : "alive";
  return { standing, pid, host, beat };
}

function checkpointOf(files: FileSystem, stem: StemFiles, size: number): CheckpointState {
  if (!stem.suffixes.has(".checkpoint")) return { offset: 0 };
  return readCheckpoint(files, stem.paths.checkpoint, size, (offset) => {
    try {
      const file = files.openRead(stem.paths.data);
      try {
        return file.byteAt(offset - 1) === 10;
      } finally {
        file.close();
      }
    } catch (error) {
      if (hasCode(error, "ENOENT")) return true; // Drained while we looked.
      throw error;
    }
  });
}

/** Looks at the writer of a stem, also where its data is gone. */
export function writerOf(runtime: Runtime, { paths }: StemFiles): Writer {
  const owner = readOwner(runtime.files, paths.owner);
  if (owner === "missing") return lockHolder(runtime, paths.lock);
  if (owner === "damaged") {
    return { ...partyOf(runtime, null, paths.owner), sends: null, server: null, damaged: true };
  }
  const party = partyOf(runtime, owner, paths.owner);
  const { sender: sends, server, closed } = owner;
  return { ...party, ...(closed ? { standing: "closed" } : {}), sends, server, damaged: false };
}

/** The Python SDK writes a lock with a PID of this host and no owner file. */
function lockHolder({ files, process }: Runtime, path: string): Writer {
  const nobody = { host: null, beat: null, sends: null, server: null, damaged: false };
  let text: string;
  try {
    text = files.readText(path).trim();
  } catch {
    return { standing: "closed", pid: null, ...nobody };
  }
  const pid = /^\d{1,10}$/.test(text) ? Number(text) : null;
  const isOther = pid !== null && pid !== process.pid;
  const standing = isOther && process.isAlive(pid) ? "alive" : "dead";
  return { standing, pid, ...nobody };
}

function claimOf(runtime: Runtime, { paths, suffixes }: StemFiles): ClaimHolder | null {
  if (![...suffixes].some((suffix) => suffix.startsWith(".claim."))) return null;
  const claim = currentClaim(runtime.files, paths.claim);
  if (claim === null) return null;
  return { ...partyOf(runtime, claim.holder, claim.path), token: claim.token };
}
