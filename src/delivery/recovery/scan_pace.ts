/**
 * Paces the scans of directories: a scan costs time in proportion to the names in the directory, so
 * a large one is scanned less often.
 *
 * The time of a directory's last change would tell more directly whether there is anything new, but
 * a sender that works changes its directory all the time, and not every file system keeps it.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";

/** Ms between two scans for orphaned segments. */
export const SCAN_MS = 2_000;
/** Names up to which a directory is scanned that often: a scan then takes some 10 ms. */
const NAMES_PER_SCAN = 5_000;
/** Ms between two scans of a directory of any size. */
export const MAX_SCAN_MS = 30_000;

/** Decides which directories are due. */
export class ScanPace {
  readonly #clock: Clock;
  /** When each directory is due, on the monotonic clock. */
  readonly #dueAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns whether a directory is due for a scan. */
  isDue(directory: string): boolean {
    return this.#clock.monotonic() >= (this.#dueAt.get(directory) ?? -Infinity);
  }

  /** Notes that a directory with this number of names was scanned. */
  scanned(directory: string, names: number): void {
    const interval = Math.min(MAX_SCAN_MS, SCAN_MS * names / NAMES_PER_SCAN);
    // Small directories are due at every look.
    if (interval <= SCAN_MS) this.#dueAt.delete(directory);
    else this.#dueAt.set(directory, this.#clock.monotonic() + interval);
  }

  /** Makes a directory due. */
  forget(directory: string): void {
    this.#dueAt.delete(directory);
  }
}
