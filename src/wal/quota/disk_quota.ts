/**
 * The disk space that the logs of a project may use.
 *
 * Usage is recounted from the disk repeatedly, in the background: a counter that is only
 * incremented and decremented drifts until the log counts as full permanently.
 *
 * @module
 */

import { join } from "@std/path";
import { WeaveWalError } from "../../errors.ts";
import { Slices } from "../../runtime/event_loop.ts";
import type { FileSystem } from "../../runtime/file_system.ts";
import type { Clock } from "../../runtime/runtime.ts";

/** Ms between two counts while more than half of the quota is in use, and for reports. */
export const RECOUNT_MS = 1_000;
/**
 * Ms between two counts while less is in use. A count costs an operation for each file, so
 * it must not be caused by each removed file.
 */
export const RELAXED_RECOUNT_MS = 60_000;
/** Number of files up to which these intervals apply; they grow in proportion above. */
const FILES_PER_RECOUNT = 10_000;
/** Number of files up to which a count is fast enough to await. */
const QUICK_FILES = 2_000;

/** Options for {@linkcode DiskQuota}. */
export interface DiskQuotaOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  /** The project's directory. Everything in it counts, including dead letters and sidecars. */
  readonly directory: string;
  /** Bytes. */
  readonly maxBytes: number;
}

/** Keeps a project's directory within its quota. */
export class DiskQuota {
  readonly #options: DiskQuotaOptions;
  /** Bytes found by the last count. */
  #counted = 0;
  /** Net bytes appended since the last count began. */
  #added = 0;
  #countedAt = -Infinity;
  /** Files found by the last count; `null` before the first count has completed. */
  #files: number | null = null;
  #counting: Promise<void> | null = null;
  /** The count that follows the one in progress. */
  #next: Promise<void> | null = null;

  /** Creates a quota that has not counted anything. */
  constructor(options: DiskQuotaOptions) {
    this.#options = options;
  }

  /** Maximum bytes. */
  get maxBytes(): number {
    return this.#options.maxBytes;
  }

  /** Estimate of the bytes in use: the last count, and the changes since. */
  get used(): number {
    return Math.max(0, this.#counted + this.#added);
  }

  /**
   * Checks that there is room for `line`.
   *
   * @throws {WeaveWalError} `ERR_LOG_FULL` if there is not; a recount then starts.
   */
  admit(line: string): void {
    const { maxBytes } = this.#options;
    // UTF-8 takes at most three bytes for each UTF-16 unit.
    if (this.used + line.length * 3 <= maxBytes) return;
    const length = new TextEncoder().encode(line).length;
    if (this.used + length <= maxBytes) return;
    this.#recountAfter(RECOUNT_MS);
    throw new WeaveWalError(
      "ERR_LOG_FULL",
      `The log has reached its quota: ${this.used} of ${maxBytes} bytes (maxDiskBytes)`,
    );
  }

  /** Adds appended bytes. */
  add(bytes: number): void {
    this.#added += bytes;
  }

  /** Subtracts removed bytes, until the next count. */
  remove(bytes: number): void {
    this.#added -= bytes;
  }

  /**
   * Starts a count if the last one is old. Other processes also write and remove files, so call it
   * at intervals.
   */
  recountSoon(): void {
    const isFarFromFull = this.used <= this.#options.maxBytes / 2;
    this.#recountAfter(isFarFromFull ? RELAXED_RECOUNT_MS : RECOUNT_MS);
  }

  /**
   * Updates `used` for a report. Waits for the count if there are few files; otherwise starts one
   * in the background, so that `used` reflects the last count.
   */
  async refresh(): Promise<void> {
    if (this.#files === null) await this.#counting;
    if ((this.#files ?? 0) > QUICK_FILES) this.#recountAfter(RECOUNT_MS);
    else await this.recount();
  }

  /** Counts the bytes in the directory now, in slices. Never rejects. */
  recount(): Promise<void> {
    if (this.#counting === null) {
      return this.#counting = this.#count().finally(() => this.#counting = null);
    }
    // A count in progress may have missed changes since it began.
    return this.#next ??= this.#counting.then(() => {
      this.#next = null;
      return this.recount();
    });
  }

  /** Starts a count, unless the last one began less than `intervalMs` ago. */
  #recountAfter(intervalMs: number): void {
    const { clock } = this.#options;
    const everyMs = intervalMs * Math.max(1, (this.#files ?? 0) / FILES_PER_RECOUNT);
    const isRecent = clock.monotonic() - this.#countedAt < everyMs;
    if (!isRecent && this.#counting === null) void this.recount();
  }

  async #count(): Promise<void> {
    const { files, directory, clock } = this.#options;
    const slices = new Slices(clock);
    const before = this.#added;
    this.#countedAt = clock.monotonic();
    let used = 0;
    let counted = 0;
    try {
      for await (const entries of files.scan(directory)) {
        for (const { name, kind } of entries) {
          if (slices.isOver) await slices.next();
          if (kind !== "file") continue;
          used += files.stat(join(directory, name))?.size ?? 0;
          counted++;
        }
      }
    } catch {
      // A directory that does not exist yet uses no space; if it cannot be read, the append fails.
    }
    this.#counted = used;
    this.#added -= before;
    this.#files = counted;
  }
}
