/**
 * Ends the calls that a dead writer left open, with a closing segment written in its name.
 *
 * The holder of the recovery lease writes `<stem>.closing`, checks again that the writer is dead,
 * and renames the file to `<stem>.jsonl`. From then on the calls count as closed, and the segment
 * is delivered after the writer's other segments. Its contents depend only on files that no longer
 * change, so every holder writes the same bytes. A writer that was presumed dead and resumes
 * removes `<stem>.closing` before it ends a call, or finds that it is too late: either the rename
 * or the removal succeeds, never both. For such writers the delivered file is kept as
 * `<stem>.closed`.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/file_system.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";
import type { ListedSegment } from "../orphans/directory_listing.ts";
import { presencePath, readPresence } from "../processes/presence_state.ts";
import { removeIfExists } from "../remove_file.ts";
import type { SegmentGuard } from "../segment/segment.ts";
import {
  CLOSED_SUFFIX,
  CLOSING_SUFFIX,
  closingStem,
  FENCE_SUFFIX,
  isClosingStem,
  OPEN_SUFFIX,
  parseStem,
  SEGMENT_SUFFIX,
  segmentPaths,
} from "../segment/segment_name.ts";
import { foldWriter } from "./fold_segments.ts";
import type { OpenCalls } from "./open_calls.ts";

/** Ms after the last heartbeat within which the time of a record counts as a sign of life. */
const TRUSTED_MS = 10_000;

/** A writer whose segments are all final, and which may have left calls open. */
export interface DeadWriter {
  readonly token: string;
  /** All of its stems, oldest first, including those whose data is removed. */
  readonly stems: readonly ListedSegment[];
  /** Whether heartbeats were the only evidence. */
  readonly isPresumed: boolean;
  /** Checks again that the writer is dead. */
  readonly isStillDead: () => boolean;
}

/** Returns whether a stem has files about open calls. */
export function concernsOpenCalls({ suffixes }: Pick<ListedSegment, "suffixes">): boolean {
  return suffixes.has(OPEN_SUFFIX) || suffixes.has(CLOSING_SUFFIX);
}

/** Closes calls that dead writers left open. */
export class CallCloser {
  readonly #runtime: Runtime;
  readonly #root: string;

  /** @param root Root directory of all logs. */
  constructor(runtime: Runtime, root: string) {
    this.#runtime = runtime;
    this.#root = root;
  }

  /**
   * Closes the calls that a writer left open, if the writer asked for it.
   *
   * @param guard Checks that this process may still drain the writer's segments.
   * @returns The closing segment; `null` if there is none. Rejects with the file system error; then
   * the files about open calls are left to the next scan.
   * @throws {WeaveWalError} `ERR_LEASE_LOST`.
   */
  async close(writer: DeadWriter, guard: SegmentGuard): Promise<ListedSegment | null> {
    const { files } = this.#runtime;
    const { stems, token, isPresumed, isStillDead } = writer;
    const { directory } = stems[0];
    const last = stems.findLast(({ stem }) => !isClosingStem(stem));
    const open = await foldWriter(this.#runtime, stems);
    if (open === null || open.size === 0 || last === undefined) {
      this.settle(stems, guard);
      return null;
    }
    const stem = closingStem(parseStem(last.stem)!);
    const paths = segmentPaths(directory, stem);
    guard.assertHeld();
    files.replace(paths.closing, open.ends(this.lastSignOfLife(token, open)));
    // The fence marks the closing segment as one to keep.
    if (isPresumed) files.replace(paths.fence, "");
    guard.assertHeld();
    if (!isStillDead()) {
      for (const path of [paths.closing, paths.fence]) removeIfExists(files, path);
      return null;
    }
    try {
      files.rename(paths.closing, paths.data);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
      removeIfExists(files, paths.fence);
      return null; // The writer has resumed.
    }
    this.settle(stems, guard);
    const suffixes = new Set([SEGMENT_SUFFIX, ...isPresumed ? [FENCE_SUFFIX] : []]);
    return { directory, stem, writer: token, suffixes };
  }

  /**
   * Removes the files about open calls once the calls are closed or cannot be; the writer's
   * segments are then drained like any others.
   */
  settle(stems: readonly ListedSegment[], guard: SegmentGuard): void {
    guard.assertHeld();
    const { files } = this.#runtime;
    for (const { directory, stem, suffixes } of stems) {
      const paths = segmentPaths(directory, stem);
      if (suffixes.has(OPEN_SUFFIX)) removeIfExists(files, paths.open);
      if (suffixes.has(CLOSING_SUFFIX)) removeIfExists(files, paths.closing);
    }
  }

  /**
   * Returns the time of a dead writer's last sign of life, epoch ms by its own clock: its last
   * heartbeat, or its last record if that is slightly later. Programs may set the times of their
   * calls.
   */
  lastSignOfLife(token: string, open: OpenCalls): number {
    const path = presencePath(this.#root, token);
    const heartbeat = readPresence(this.#runtime, path)?.at ?? null;
    const limit = heartbeat === null ? Infinity : heartbeat + TRUSTED_MS;
    return open.times().reduce(
      (last, time) => time <= limit ? Math.max(last, time) : last,
      heartbeat ?? 0,
    );
  }
}

/** Returns whether to keep a delivered closing segment because its writer may resume. */
export function isKeptWhenDelivered({ stem, suffixes }: ListedSegment): boolean {
  return isClosingStem(stem) && suffixes.has(FENCE_SUFFIX);
}

/**
 * Renames a delivered closing segment so that its writer finds it. Throws the file system error.
 */
export function keepClosed(files: FileSystem, { directory, stem }: ListedSegment): void {
  const paths = segmentPaths(directory, stem);
  try {
    files.rename(paths.data, paths.closed);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}

/** Returns whether a stem is a delivered closing segment. */
export function isClosed({ suffixes }: ListedSegment): boolean {
  return suffixes.has(CLOSED_SUFFIX);
}
