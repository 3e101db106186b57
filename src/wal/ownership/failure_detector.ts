/**
 * Heartbeats: a file that its holder rewrites at an interval, and the verdict of its watchers.
 *
 * A watcher never compares the holder's clock with its own. It trusts two things: that it has seen
 * no change for {@linkcode STALE_AFTER_MS} of its own monotonic time, or none for
 * {@linkcode CONFIRM_AFTER_MS} of a file that is older than {@linkcode ABANDONED_AFTER_MS},
 * measured against a file just written to the same file system (both times come from the file
 * system's clock).
 *
 * @module
 */

import type { Clock, FileSystem } from "../../runtime/runtime.ts";

/** Ms between two heartbeats. */
export const HEARTBEAT_MS = 2_000;
/** Ms without a change after which a watcher presumes the holder dead. */
export const STALE_AFTER_MS = 10_000;
/** Ms of age on the file system's own clock after which a shorter watch will do. */
export const ABANDONED_AFTER_MS = 300_000;
/**
 * Ms without a change that an old file is watched: after a jump of the file system's clock, as when
 * a machine wakes up, every file is old until its living holder's next heartbeat.
 */
export const CONFIRM_AFTER_MS = 5_000;
/**
 * Ms after the beginning of a heartbeat for which its holder may be sure, without a look at the
 * disk, that nobody presumes it dead: less than any watcher waits.
 */
export const LEASE_MS = 4_000;

/** Watches the heartbeats of others. */
export class FailureDetector {
  readonly #files: FileSystem;
  readonly #clock: Clock;
  readonly #seen = new Map<string, { modified: number; id: string; since: number }>();

  /**
   * @param files Where the watched files are.
   * @param clock The watcher's own clock; only its monotonic side is used.
   */
  constructor(files: FileSystem, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
  }

  /**
   * Whether the heartbeat at `path` has stopped. The first look at a fresh file starts the watch
   * and answers `false`.
   *
   * @param reference Epoch ms of a file just written to the same file system, if there is one.
   */
  isStale(path: string, reference: number | undefined): boolean {
    const stat = this.#files.stat(path);
    if (stat === null) {
      this.#seen.delete(path);
      return true;
    }
    const isOld = reference !== undefined && reference - stat.modified > ABANDONED_AFTER_MS;
    const now = this.#clock.monotonic();
    const seen = this.#seen.get(path);
    if (!seen || seen.modified !== stat.modified || seen.id !== stat.id) {
      this.#seen.set(path, { modified: stat.modified, id: stat.id, since: now });
      return false;
    }
    return now - seen.since >= (isOld ? CONFIRM_AFTER_MS : STALE_AFTER_MS);
  }

  /** Forgets a path that is of no interest any more. */
  forget(path: string): void {
    this.#seen.delete(path);
  }
}
