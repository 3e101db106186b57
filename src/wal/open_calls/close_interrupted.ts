/**
 * Ends the calls that a dead writer left open: with a segment in its name, the closing segment.
 *
 * The holder of the recovery lease writes `<stem>.closing`, looks once more whether the writer is
 * still dead, and renames the file to `<stem>.jsonl`: from then on the calls count as closed, and the
 * segment is delivered behind the writer's others. The bytes depend on files only that nobody
 * changes any more, so that every holder writes the same. A writer that was presumed dead and resumes
 * takes `<stem>.closing` away before it ends a call, or finds that it comes too late: one rename or
 * removal succeeds, never both. For such writers the file is kept as `<stem>.closed`.
 *
 * @module
 */

import type { FileSystem, Runtime } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";
import type { ListedSegment } from "../ownership/directory_listing.ts";
import { presencePath, readPresence } from "../ownership/presence_state.ts";
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

/** Ms after the last heartbeat within which the time of a record is a sign of life. */
const TRUSTED_MS = 10_000;

/** A writer to whose segments nothing will be added, and that may have left calls open. */
export interface DeadWriter {
  readonly token: string;
  /** All of its stems, oldest first: segments, and what is left of removed ones. */
  readonly stems: readonly ListedSegment[];
  /** Whether only its heartbeats were evidence. */
  readonly isPresumed: boolean;
  /** Looks once more. */
  readonly isStillDead: () => boolean;
}

/** Whether the files of a stem say anything about open calls. */
export function concernsOpenCalls({ suffixes }: ListedSegment): boolean {
  return suffixes.has(OPEN_SUFFIX) || suffixes.has(CLOSING_SUFFIX);
}

/** Closes calls that dead writers left open. */
export class CallCloser {
  readonly #runtime: Runtime;
  readonly #root: string;

  /** @param root Directory of all logs. */
  constructor(runtime: Runtime, root: string) {
    this.#runtime = runtime;
    this.#root = root;
  }

  /**
   * Closes the calls that a writer left open, if that is wanted.
   *
   * @param guard Says whether this process may still drain what the writer left.
   * @returns The closing segment; `null` if there is none. Rejects with the host's error.
   * @throws {WeaveWalError} `ERR_LEASE_LOST`.
   */
  async close(writer: DeadWriter, guard: SegmentGuard): Promise<ListedSegment | null> {
    const { files } = this.#runtime;
    const { stems, token, isPresumed, isStillDead } = writer;
    const { directory } = stems[0];
    const last = stems.findLast(({ stem }) => !isClosingStem(stem));
    const open = await foldWriter(this.#runtime, stems).catch((error) => {
      // What cannot be read may hold their ends.
      this.settle(stems, guard);
      throw error;
    });
    if (open === null || open.size === 0 || last === undefined) {
      this.settle(stems, guard);
      return null;
    }
    const stem = closingStem(parseStem(last.stem)!);
    const paths = segmentPaths(directory, stem);
    guard.assertHeld();
    files.replace(paths.closing, open.ends(this.lastSignOfLife(token, open)));
    // It says that the closing segment has to be kept.
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

  /** The writer's calls are closed, or cannot be: its segments are drained like any others. */
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
   * When a dead writer last gave a sign of life, epoch ms by its own clock: its last heartbeat, or its
   * last record if that is a little later. Programs may set the times of their calls.
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

/** Whether a delivered closing segment has to be kept: its writer may resume. */
export function isKeptWhenDelivered({ stem, suffixes }: ListedSegment): boolean {
  return isClosingStem(stem) && suffixes.has(FENCE_SUFFIX);
}

/** Puts a delivered closing segment where its writer finds it. Throws the host's error. */
export function keepClosed(files: FileSystem, { directory, stem }: ListedSegment): void {
  const paths = segmentPaths(directory, stem);
  try {
    files.rename(paths.data, paths.closed);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}

/** Whether a stem is a closing segment that was delivered. */
export function isClosed({ suffixes }: ListedSegment): boolean {
  return suffixes.has(CLOSED_SUFFIX);
}
