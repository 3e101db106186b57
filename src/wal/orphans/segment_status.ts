/**
 * Read-only status of the segments in a project's directory, for people and for the command.
 *
 * @module
 */

import { basename, dirname } from "@std/path";
import { hasCode } from "../../errors.ts";
import { Slices, sortInSlices } from "../../runtime/event_loop.ts";
import type { FileSystem } from "../../runtime/file_system.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { type CheckpointState, readCheckpoint } from "../segment/checkpoint.ts";
import {
  isProcessToken,
  mayTarget,
  parseStem,
  recoveryLease,
  SEGMENT_SUFFIX,
  type SegmentPaths,
  segmentPaths,
} from "../segment/segment_name.ts";
import { scanStems } from "./scan_stems.ts";
import { currentLease } from "../leases/lease.ts";
import {
  isRunning,
  type ProcessStatus,
  processStatusOf,
  type ProcessView,
  type Writer,
  writerOf,
} from "../processes/process_status.ts";

/** The files that share a stem. */
export interface SegmentFiles {
  readonly directory: string;
  readonly stem: string;
  readonly paths: SegmentPaths;
  /** File name suffixes after the stem: `.jsonl`, `.lock`, `.checkpoint`, … */
  readonly suffixes: ReadonlySet<string>;
}

/** The process that drains a segment. */
export interface Drainer extends ProcessStatus {
  /** The sender's token; `null` if the lease is corrupt. */
  readonly token: string | null;
  /** Whether it drains its own segment, or holds the recovery lease for segments of others. */
  readonly as: "writer" | "lease-holder";
}

/** Status of a segment at one moment. */
export interface SegmentState extends SegmentFiles {
  /** Size of the data file in bytes. */
  readonly size: number;
  readonly checkpoint: CheckpointState;
  readonly writer: Writer;
  /** Whether records may follow. */
  readonly open: boolean;
  /** The process that drains it, its writer or the holder of the lease; `null` if there is none. */
  readonly drainer: Drainer | null;
}

/** Lists the files in `directory` by stem, oldest first, in slices; skips other files. */
export async function listSegments(
  { files, clock }: Pick<Runtime, "files" | "clock">,
  directory: string,
): Promise<SegmentFiles[]> {
  const { stems } = await scanStems(files, directory);
  const slices = new Slices(clock);
  const found: SegmentFiles[] = [];
  for (const stem of await sortInSlices([...stems.keys()], (a, b) => a < b ? -1 : 1, clock)) {
    if (slices.isOver) await slices.next();
    const suffixes = stems.get(stem)!;
    found.push({ directory, stem, paths: segmentPaths(directory, stem), suffixes });
  }
  return found;
}

/** Returns the files that belong to the data file at `path`, whatever its name. */
export function stemOf(files: FileSystem, path: string): SegmentFiles {
  const directory = dirname(path);
  const stem = basename(path).replace(/\.jsonl$/, "");
  const suffixes = new Set<string>();
  for (const { name } of files.list(directory)) {
    if (name.startsWith(`${stem}.`)) suffixes.add(name.slice(stem.length));
  }
  return { directory, stem, paths: segmentPaths(directory, stem), suffixes };
}

/** Caches processes and leases, for many segments. */
export class ProcessCache {
  readonly #writers = new Map<string, Writer>();
  readonly #leases = new Map<string, Drainer | null>();

  /** @param processes Processes that were already read. */
  constructor(processes: readonly ProcessView[] = []) {
    for (const { token, liveness, pid, host, lastHeartbeat, sends, server } of processes) {
      const status = { liveness, pid, host, lastHeartbeat, sends, server, unnamed: false };
      this.#writers.set(token, status);
    }
  }

  /**
   * Returns the writer of a segment. A writer with a token of this package is looked up only once.
   */
  writer(runtime: Runtime, segment: SegmentFiles): Writer {
    const token = parseStem(segment.stem)?.writer ?? "";
    if (!isProcessToken(token)) return writerOf(runtime, segment);
    return remember(this.#writers, token, () => writerOf(runtime, segment));
  }

  /** Returns the holder of the lease at this prefix, looked up only once. */
  lease(prefix: string, look: () => Drainer | null): Drainer | null {
    return remember(this.#leases, prefix, look);
  }
}

function remember<Value>(map: Map<string, Value>, key: string, look: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = look();
  map.set(key, value);
  return value;
}

/**
 * Returns the status of a segment; `null` if its data does not exist.
 *
 * @param cache Shared by the segments of one report.
 */
export function inspectSegment<Files extends SegmentFiles>(
  runtime: Runtime,
  segment: Files,
  cache: ProcessCache = new ProcessCache(),
): Files & SegmentState | null {
  const { files } = runtime;
  if (!segment.suffixes.has(SEGMENT_SUFFIX)) return null;
  const stat = files.stat(segment.paths.data);
  if (stat === null || stat.kind !== "file") return null;
  const writer = cache.writer(runtime, segment);
  return {
    ...segment,
    size: stat.size,
    checkpoint: checkpointOf(files, segment, stat.size),
    writer,
    open: isRunning(writer) && mayBeOpen(segment),
    drainer: drainerOf(runtime, segment, writer, cache),
  };
}

/** Only writers of version 0.1 record in the owner file that they closed a segment. */
function mayBeOpen({ stem, suffixes }: SegmentFiles): boolean {
  return suffixes.has(".lock") || !isProcessToken(parseStem(stem)?.writer ?? "");
}

/** Returns the status of `segments`, in slices, without those that have no data. */
export async function inspectSegments<Files extends SegmentFiles>(
  runtime: Runtime,
  segments: readonly Files[],
  cache: ProcessCache = new ProcessCache(),
): Promise<(Files & SegmentState)[]> {
  const slices = new Slices(runtime.clock);
  const states: (Files & SegmentState)[] = [];
  for (const segment of segments) {
    if (slices.isOver) await slices.next();
    const state = inspectSegment(runtime, segment, cache);
    if (state !== null) states.push(state);
  }
  return states;
}

/** Returns whether a segment's records may be sent to `server`, by the same rule as senders. */
export function isForServer(
  { writer, stem }: Pick<SegmentState, "writer" | "stem">,
  server: string,
): boolean {
  if (writer.server !== null) return writer.server === server;
  return !writer.unnamed || mayTarget(server, parseStem(stem)?.writer ?? "");
}

/**
 * Returns whether dead letters of a stem may be sent to `server`. The file that names the writer
 * may be removed with its data; then only the segment's name is evidence.
 */
export function deadLettersAreFor(
  runtime: Runtime,
  segment: SegmentFiles,
  server: string,
): boolean {
  const named = writerOf(runtime, segment).server;
  if (named !== null) return named === server;
  return mayTarget(server, parseStem(segment.stem)?.writer ?? "");
}

/** Returns the pending bytes of a segment. */
export function pendingBytes({ size, checkpoint }: SegmentState): number {
  return Math.max(0, size - checkpoint.offset);
}

/** Returns whether a segment is final, as far as is known. */
export function isFinal({ open }: SegmentState): boolean {
  return !open;
}

function checkpointOf(files: FileSystem, segment: SegmentFiles, size: number): CheckpointState {
  if (!segment.suffixes.has(".checkpoint")) return { offset: 0 };
  return readCheckpoint(files, segment.paths.checkpoint, size, (offset) => {
    try {
      const file = files.openRead(segment.paths.data);
      try {
        return file.byteAt(offset - 1) === 10;
      } finally {
        file.close();
      }
    } catch (error) {
      if (hasCode(error, "ENOENT")) return true; // Drained meanwhile.
      throw error;
    }
  });
}

function drainerOf(
  runtime: Runtime,
  { directory, stem }: SegmentFiles,
  writer: Writer,
  cache: ProcessCache,
): Drainer | null {
  const token = parseStem(stem)?.writer ?? "";
  if (writer.sends && isRunning(writer)) return { ...writer, token, as: "writer" };
  const prefix = recoveryLease(directory, token);
  return cache.lease(prefix, () => {
    const lease = currentLease(runtime.files, prefix);
    if (lease === null) return null;
    const status = processStatusOf(runtime, lease.holder, lease.path);
    return { ...status, token: lease.token, as: "lease-holder" };
  });
}
