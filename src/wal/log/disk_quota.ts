/**
 * The bytes that the logs of a project may take on disk.
 *
 * The count is taken from the disk again and again, in the background: a counter that is only
 * incremented and decremented drifts until the log is "full" permanently.
 *
 * @module
 */

import { join } from "@std/path";
import { WeaveWalError } from "../../errors.ts";
import { Slices } from "../../runtime/event_loop.ts";
import type { Clock, FileSystem } from "../../runtime/runtime.ts";

/** Ms between two counts while the quota is nearly used up. */
export const RECOUNT_MS = 1_000;
/** Files for which a count is repeated so often; for more of them it is repeated less often. */
const FILES_PER_RECOUNT = 10_000;
/** Files of which a count is quick enough to be waited for. */
const QUICK_FILES = 2_000;

/** Options for {@linkcode DiskQuota}. */
export interface DiskQuotaOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  /** The project's directory; everything in it counts, dead letters and sidecars too. */
  readonly directory: string;
  /** Bytes. */
  readonly maxBytes: number;
}

/** Keeps a project's directory within its bytes. */
export class DiskQuota {
  readonly #options: DiskQuotaOptions;
  /** Bytes found by the last count. */
  #counted = 0;
  /** Bytes appended and not removed since the last count began. */
  #added = 0;
  #countedAt = -Infinity;
  /** Files found by the last count; `null` before the first one has ended. */
  #files: number | null = null;
  #counting: Promise<void> | null = null;
  /** The count after the one in progress. */
  #next: Promise<void> | null = null;

  /** Makes a quota that has counted nothing. */
  constructor(options: DiskQuotaOptions) {
    this.#options = options;
  }

  /** Bytes that may be used. */
  get maxBytes(): number {
    return this.#options.maxBytes;
  }

  /** Bytes in use, as far as known: what the last count found, and what changed since. */
  get used(): number {
    return Math.max(0, this.#counted + this.#added);
  }

  /**
   * Checks that there is room for `line`.
   *
   * @throws {WeaveWalError} `ERR_LOG_FULL` if there is not; the disk is then counted again.
   */
  admit(line: string): void {
    const { maxBytes } = this.#options;
    // Three bytes a UTF-16 unit is the most that UTF-8 takes.
    if (this.used + line.length * 3 <= maxBytes) return;
    const length = new TextEncoder().encode(line).length;
    if (this.used + length <= maxBytes) return;
    this.recountSoon();
    throw new WeaveWalError(
      "ERR_LOG_FULL",
      `The log has reached its quota: ${this.used} of ${maxBytes} bytes (maxDiskBytes)`,
    );
  }

  /** Counts `bytes` that were appended. */
  add(bytes: number): void {
    this.#added += bytes;
  }

  /** Deducts `bytes` that were removed, until the disk is counted again. */
  remove(bytes: number): void {
    this.#added -= bytes;
  }

  /** Counts the bytes in the directory again, unless that was done a moment ago. */
  recountSoon(): void {
    const { clock } = this.#options;
    const everyMs = RECOUNT_MS * Math.max(1, (this.#files ?? 0) / FILES_PER_RECOUNT);
    const isRecent = clock.monotonic() - this.#countedAt < everyMs;
    if (!isRecent && this.#counting === null) void this.recount();
  }

  /**
   * Brings `used` up to date for a report: waits for a count of a few files, and otherwise
   * begins one in the background, so that `used` is what the last one found.
   */
  async refresh(): Promise<void> {
    if (this.#files === null) await this.#counting;
    if ((this.#files ?? 0) > QUICK_FILES) this.recountSoon();
    else await this.recount();
  }

  /** Counts the bytes that are in the directory now, in slices. Never rejects. */
  recount(): Promise<void> {
    if (this.#counting === null) {
      return this.#counting = this.#count().finally(() => this.#counting = null);
    }
    // A count in progress may have missed what changed since it began.
    return this.#next ??= this.#counting.then(() => {
      this.#next = null;
      return this.recount();
    });
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
          await slices.pause();
          if (kind !== "file") continue;
          used += files.stat(join(directory, name))?.size ?? 0;
          counted++;
        }
      }
    } catch {
      // A directory that does not exist yet takes nothing; one that cannot be read fails the append.
    }
    this.#counted = used;
    this.#added -= before;
    this.#files = counted;
  }
}
