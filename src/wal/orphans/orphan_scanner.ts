/**
 * Finds orphaned segments in a directory: those that this sender may drain because their writers do
 * not.
 *
 * @module
 */

import { join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { Slices, visitInSlices } from "../../runtime/event_loop.ts";
import { type DeadWriter, isClosed } from "../open_calls/close_interrupted.ts";
import { removeIfExists } from "../remove_file.ts";
import {
  CLOSING_SUFFIX,
  FENCE_SUFFIX,
  isClosingStem,
  OPEN_SUFFIX,
  segmentPaths,
} from "../segment/segment_name.ts";
import {
  type DirectoryListing,
  isKept,
  listDirectory,
  type ListedSegment,
} from "./directory_listing.ts";
import { ABANDONED_AFTER_MS, FailureDetector, isOlderThan } from "../processes/failure_detector.ts";
import { fence } from "../leases/fence.ts";
import { isOfPython, withoutPythons } from "../processes/python_writer.ts";
import { concernedWriters } from "./concerned_writers.ts";
import { WriterStates } from "./writer_state.ts";

/** Ms for which to keep a delivered closing segment for a writer that may resume. */
const CLOSED_KEPT_MS = 86_400_000;
/** Files that only the process that closes the writer's calls may remove. */
const UNSETTLED: ReadonlySet<string> = new Set([OPEN_SUFFIX, CLOSING_SUFFIX]);

/** Options for {@linkcode OrphanScanner}. */
export interface OrphanScannerOptions {
  readonly runtime: Runtime;
  /** Root directory of all logs. */
  readonly root: string;
  /** Base URL of the server that this sender sends to. Segments for other servers are skipped. */
  readonly server: string;
  /** Token of this process. */
  readonly token: string;
  /** Includes closed segments of this process, if nothing in it sends them. */
  readonly includeOwn?: boolean;
}

/** The segments in a directory that may be drained. */
export interface Orphans {
  /** Final segments, oldest first. */
  readonly final: readonly ListedSegment[];
  /** Segments that a write-only process may still append to; all its earlier ones are drained. */
  readonly open: readonly ListedSegment[];
  /** Writers that have only final segments, and may have left calls open. */
  readonly interrupted: readonly DeadWriter[];
  /** Number of names in the directory. */
  readonly names: number;
}

const NONE: ReadonlySet<string> = new Set();
const NOTHING: Orphans = { final: [], open: [], interrupted: [], names: 0 };

/** Finds orphaned segments, and removes remaining files of segments whose data is removed. */
export class OrphanScanner {
  readonly #options: OrphanScannerOptions;
  readonly #states: WriterStates;
  readonly #detector: FailureDetector;
  /** Segments of this process that another process took over, or that could not be removed. */
  readonly #reclaimed = new Set<string>();
  /** Writers of the segments in each directory, as last listed. */
  readonly #writers = new Map<string, ReadonlySet<string>>();
  #stopped = false;

  constructor(options: OrphanScannerOptions) {
    this.#options = options;
    this.#states = new WriterStates(options);
    this.#detector = new FailureDetector(options.runtime.files, options.runtime.clock);
  }

  /** Returns whether a process has segments in the directories, as last listed. */
  isWriter(token: string): boolean {
    for (const writers of this.#writers.values()) if (writers.has(token)) return true;
    return false;
  }

  /**
   * Marks a segment that this process wrote but no longer drains itself; it then counts as an
   * orphan.
   */
  reclaim(stem: string): void {
    this.#reclaimed.add(stem);
  }

  /** Stops scanning; a scan in progress finds nothing. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Lists the writers in `directory` again, and removes remaining files. Rejects with the file
   * system error.
   */
  async refresh(directory: string): Promise<void> {
    const listing = await listDirectory(this.#options.runtime, directory).catch((error) => {
      if (hasCode(error, "ENOENT")) return { segments: [], leftovers: [], probes: [], names: 0 };
      throw error;
    });
    await this.#remember(directory, listing);
    await this.#clearAll(listing);
  }

  /**
   * Finds the orphans in `directory`. Rejects with the file system error, `ENOENT` if it does not
   * exist.
   *
   * @param holdsLease Whether this process may drain them. Only then are segments of processes
   * presumed dead fenced; they are found in either case.
   * @param without Stems to leave out; later segments do not wait for them.
   */
  async scan(
    directory: string,
    holdsLease: boolean,
    without: ReadonlySet<string> = NONE,
  ): Promise<Orphans> {
    const { runtime } = this.#options;
    const { clock } = runtime;
    const listing = await listDirectory(runtime, directory);
    await this.#remember(directory, listing);
    const slices = new Slices(clock);
    const final: ListedSegment[] = [];
    const open: ListedSegment[] = [];
    const withFinal = new Set<string>();
    /** Writers with a segment that is not final. */
    const kept = new Set<string>();
    let hasPythonSender = false;
    for (const segment of listing.segments) {
      if (slices.isOver) await slices.next();
      if (this.#stopped) return NOTHING;
      const { stem, writer } = segment;
      if (without.has(stem)) continue;
      const isClosing = isClosingStem(stem) && this.#states.isTarget(writer) && !kept.has(writer);
      const kind = isClosing ? "final" : this.#kindOf(segment, holdsLease);
      if (kind === null || kind === "open") kept.add(segment.writer);
      if (kind === null && isOfPython(segment)) hasPythonSender = true;
      if (kind === "open" && !withFinal.has(segment.writer)) open.push(segment);
      if (kind !== "final" && kind !== "fenced") continue;
      withFinal.add(segment.writer);
      // The fence outlives the segment, so that the writer finds it if it resumes.
      final.push(kind === "final" ? segment : withoutSuffix(segment, FENCE_SUFFIX));
    }
    await this.#clearAll(listing);
    const interrupted = await this.#interrupted(listing, kept);
    const ours = await withoutPythons(final, open, hasPythonSender, clock);
    return { ...ours, interrupted, names: listing.names };
  }

  async #interrupted(
    listing: DirectoryListing,
    kept: ReadonlySet<string>,
  ): Promise<DeadWriter[]> {
    const { runtime: { clock }, token: own } = this.#options;
    const slices = new Slices(clock);
    const found: DeadWriter[] = [];
    for (const [token, stems] of await concernedWriters(listing, own, clock)) {
      if (slices.isOver) await slices.next();
      if (this.#stopped) return [];
      const isPresumed = this.#states.of(stems[0]) === "presumed-dead";
      const isStillDead = (): boolean => this.isDead(stems[0]);
      if (!this.isDead(stems[0]) || this.hasKept(token, kept)) continue;
      found.push({ token, stems, isPresumed, isStillDead });
    }
    return found;
  }

  /** Returns whether the writer of a stem is dead or presumed dead. */
  isDead(stem: ListedSegment): boolean {
    return /^(ended|presumed-dead)$/.test(this.#states.of(stem));
  }

  /** Returns whether a writer has a segment that is not final. */
  hasKept(token: string, kept: ReadonlySet<string>): boolean {
    return kept.has(token);
  }

  /** Returns whether a segment may have ends of calls that started in other logs. */
  sharesCalls(segment: ListedSegment): boolean {
    return this.#states.sharesCalls(segment);
  }

  /** Returns whether a segment that this process drains is final. */
  isFinal(segment: ListedSegment): boolean {
    return /^(final|fenced)$/.test(this.#kindOf(segment, true) ?? "");
  }

  async #remember(
    directory: string,
    { segments, leftovers }: Pick<DirectoryListing, "segments" | "leftovers">,
  ): Promise<void> {
    const { clock } = this.#options.runtime;
    const writers = new Set<string>();
    for (const listed of [segments, leftovers]) {
      await visitInSlices(listed, ({ writer }) => void writers.add(writer), clock);
    }
    this.#writers.set(directory, writers);
    await this.#states.forgetAllBut((token) => this.isWriter(token));
  }

  #kindOf(segment: ListedSegment, holdsLease: boolean): "final" | "fenced" | "open" | null {
    const { token, includeOwn = false, runtime: { files } } = this.#options;
    const { stem, writer, directory, suffixes } = segment;
    const paths = segmentPaths(directory, stem);
    if (writer === token) {
      if (this.#reclaimed.has(stem)) return "final";
      return includeOwn && !suffixes.has(".lock") ? "final" : null;
    }
    const state = this.#states.of(segment);
    if (state === "ended") return "final";
    if (state === "presumed-dead") {
      if (!holdsLease) return "final";
      if (files.stat(paths.data) === null) return null;
      fence(files, paths);
      return this.#states.of(segment) === state ? "fenced" : null;
    }
    if (state !== "write-only") return null;
    return files.exists(paths.lock) ? "open" : "final";
  }

  /** Removes the files of a segment without data, except dead letters, if its writer is dead. */
  clear(leftover: ListedSegment): void {
    const { runtime: { files }, token } = this.#options;
    const { directory, stem, writer, suffixes } = leftover;
    // Once this process knows that a segment was taken over, it no longer needs the fence.
    if (writer === token && !this.#reclaimed.has(stem)) return;
    const state = writer === token ? "ended" : this.#states.of(leftover);
    if (state !== "ended" && this.#isKeptForWriter(leftover)) return;
    if (state === "presumed-dead" ? this.#hasRecentFence(leftover) : state !== "ended") return;
    if (files.stat(segmentPaths(directory, stem).data) !== null) return;
    for (const suffix of suffixes) {
      if (isKept(suffix) || UNSETTLED.has(suffix)) continue;
      removeIfExists(files, join(directory, stem + suffix));
    }
  }

  /**
   * Returns whether to keep the file because a writer that was presumed dead may resume and must
   * learn which of its calls are closed.
   */
  #isKeptForWriter(leftover: ListedSegment): boolean {
    if (!isClosed(leftover)) return false;
    const { closed } = segmentPaths(leftover.directory, leftover.stem);
    return this.#isRecent(closed, CLOSED_KEPT_MS);
  }

  /**
   * Returns whether to keep the fence because a suspended writer may resume and must learn that its
   * segment was taken over.
   */
  #hasRecentFence({ directory, stem }: ListedSegment): boolean {
    return this.#isRecent(segmentPaths(directory, stem).fence, ABANDONED_AFTER_MS);
  }

  /** Returns whether a file exists and was made at most `ms` ago. */
  #isRecent(path: string, ms: number): boolean {
    const made = this.#options.runtime.files.stat(path)?.modified;
    return made !== undefined && !isOlderThan(ms, made, this.#states.fsNow() ?? made);
  }

  async #clearAll(
    { leftovers, probes }: Pick<DirectoryListing, "leftovers" | "probes">,
  ): Promise<void> {
    const { runtime: { files, clock } } = this.#options;
    const slices = new Slices(clock);
    for (const leftover of leftovers) {
      if (slices.isOver) await slices.next();
      this.clear(leftover);
    }
    for (const probe of probes) {
      if (this.#detector.isStale(probe, undefined)) removeIfExists(files, probe);
    }
  }
}

function withoutSuffix(segment: ListedSegment, left: string): ListedSegment {
  return { ...segment, suffixes: new Set([...segment.suffixes].filter((one) => one !== left)) };
}
