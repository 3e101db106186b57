/**
 * The bytes that the logs of a project may take on disk.
 *
 * The count comes from the disk and is taken again from it whenever it matters: a counter that only
 * adds up drifts until the log is "full" for ever.
 *
 * @module
 */

import { join } from "@std/path";
import { WeaveWalError } from "../../errors.ts";
import type { Clock, FileSystem } from "../../runtime/runtime.ts";

/** Ms between two counts while the quota is nearly used up. */
export const RECOUNT_MS = 1_000;

/** What a quota is made from. */
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
  #used: number | null = null;
  #countedAt = -Infinity;

  /** Makes a quota; the disk is looked at when it is first asked. */
  constructor(options: DiskQuotaOptions) {
    this.#options = options;
  }

  /** Bytes that may be used. */
  get maxBytes(): number {
    return this.#options.maxBytes;
  }

  /** Bytes in use, as far as known. */
  get used(): number {
    return this.#used ??= this.recount();
  }

  /**
   * Makes sure that there is room for `line`.
   *
   * @throws {WeaveWalError} `ERR_LOG_FULL` when there is not.
   */
  admit(line: string): void {
    const { maxBytes, clock } = this.#options;
    // Three bytes a UTF-16 unit is the most that UTF-8 takes.
    if (this.used + line.length * 3 <= maxBytes) return;
    const length = new TextEncoder().encode(line).length;
    if (this.used + length <= maxBytes) return;
    if (clock.monotonic() - this.#countedAt >= RECOUNT_MS) {
      this.recount();
      if (this.used + length <= maxBytes) return;
    }
    throw new WeaveWalError(
      "ERR_LOG_FULL",
      `The log has reached its quota: ${this.used} of ${maxBytes} bytes (maxDiskBytes)`,
    );
  }

  /** `bytes` were appended. */
  add(bytes: number): void {
    this.#used = this.used + bytes;
  }

  /** Counts the bytes in the directory anew. */
  recount(): number {
    const { files, directory, clock } = this.#options;
    let used = 0;
    try {
      for (const { name, kind } of files.list(directory)) {
        if (kind === "file") used += files.stat(join(directory, name))?.size ?? 0;
      }
    } catch {
      // A directory that is not there yet takes nothing; one that cannot be read fails the append.
    }
    this.#countedAt = clock.monotonic();
    return this.#used = used;
  }
}
