/**
 * Preserves the open calls of a writer when its segments are removed.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";
import { listDirectory } from "../orphans/directory_listing.ts";
import { removeIfExists } from "../remove_file.ts";
import type { SegmentGuard } from "../segment/segment.ts";
import { OPEN_SUFFIX, parseStem, segmentPaths } from "../segment/segment_name.ts";
import { foldSegment, foldWriter } from "./fold_segments.ts";
import { OpenCalls } from "./open_calls.ts";
import { readOpenCalls, writeOpenCalls } from "./open_calls_file.ts";

/** The open calls of one writer, while its delivered segments are removed in order. */
export class OpenCallsKeeper {
  readonly #runtime: Runtime;
  readonly #directory: string;
  readonly #writer: string;
  /** The calls open after the last segment removed; `null` if they must be read from disk. */
  #open: OpenCalls | null = null;
  /** The file with those calls, and older files. */
  #files = new Set<string>();

  /** @param writer The writer's token. */
  constructor(runtime: Runtime, directory: string, writer: string) {
    this.#runtime = runtime;
    this.#directory = directory;
    this.#writer = writer;
  }

  /** Whether calls that began in removed segments are still open. */
  get hasOpen(): boolean {
    return this.#open !== null && this.#open.size > 0;
  }

  /** Reads the open calls from disk again: other processes may have removed segments. */
  reload(): void {
    this.#open = null;
  }

  /**
   * Saves the calls that are open after a segment, before it is removed. If the write fails, they
   * are forgotten: this must never prevent the removal of delivered segments.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST`.
   */
  async beforeRemoval(stem: string, guard: SegmentGuard): Promise<void> {
    const { files } = this.#runtime;
    const paths = segmentPaths(this.#directory, stem);
    const { open: path } = paths;
    try {
      const file = readOpenCalls(files, path);
      if (file === null) return this.#forget(guard);
      const open = file.carried ?? await this.#before(stem);
      if (file.carried === null) await foldSegment(this.#runtime, paths, open, file.withCalls);
      guard.assertHeld();
      if (open.size > 0) writeOpenCalls(files, path, open);
      else removeIfExists(files, path);
      removeIfExists(files, paths.started);
      this.#open = open;
      this.#removeFiles(path);
      if (open.size > 0) this.#files.add(path);
    } catch (error) {
      if (hasCode(error, "ERR_LEASE_LOST")) throw error;
      this.#forget(guard, path);
    }
  }

  /** Forgets all open calls: recovery will not close any call that has begun so far. */
  forgetAll(): void {
    const { files } = this.#runtime;
    for (const { name } of files.list(this.#directory)) {
      const isOwn = name.endsWith(OPEN_SUFFIX) && parseStem(name.split(".")[0])?.writer ===
          this.#writer;
      if (isOwn) removeIfExists(files, segmentPaths(this.#directory, name.split(".")[0]).open);
    }
    this.#files.clear();
    this.#open = new OpenCalls();
  }

  async #before(stem: string): Promise<OpenCalls> {
    if (this.#open !== null) return this.#open;
    const { segments, leftovers } = await listDirectory(this.#runtime, this.#directory);
    const earlier = [...segments, ...leftovers]
      .filter((one) => one.writer === this.#writer && one.stem < stem)
      .sort((a, b) => a.stem < b.stem ? -1 : 1);
    for (const one of earlier) {
      if (!one.suffixes.has(OPEN_SUFFIX)) continue;
      this.#files.add(segmentPaths(this.#directory, one.stem).open);
    }
    return await foldWriter(this.#runtime, earlier) ?? new OpenCalls();
  }

  #forget(guard: SegmentGuard, path?: string): void {
    this.#open = new OpenCalls();
    guard.assertHeld();
    if (path !== undefined) this.#files.add(path);
    this.#removeFiles();
  }

  #removeFiles(except?: string): void {
    for (const path of this.#files) {
      if (path === except) continue;
      try {
        removeIfExists(this.#runtime.files, path);
        this.#files.delete(path);
      } catch {
        // The next removal retries.
      }
    }
  }
}

/** The keepers of several writers. */
export class OpenCallsKeepers {
  readonly #runtime: Runtime;
  readonly #directory: string;
  readonly #keepers = new Map<string, OpenCallsKeeper>();

  /** Creates keepers for the writers of one directory. */
  constructor(runtime: Runtime, directory: string) {
    this.#runtime = runtime;
    this.#directory = directory;
  }

  /** Returns the keeper of the writer with this token. */
  of(writer: string): OpenCallsKeeper {
    const known = this.#keepers.get(writer);
    if (known !== undefined) return known;
    const keeper = new OpenCallsKeeper(this.#runtime, this.#directory, writer);
    this.#keepers.set(writer, keeper);
    return keeper;
  }

  /** Forgets all keepers. Call it when other processes may remove segments. */
  clear(): void {
    this.#keepers.clear();
  }
}
