/**
 * Detects dead processes by their heartbeats: each process rewrites a file at an interval, and
 * observers watch it.
 *
 * An observer never compares another process's clock with its own. It presumes a process dead if it
 * has seen no change for {@linkcode STALE_AFTER_MS} of its own monotonic time, or for {@linkcode
 * CONFIRM_AFTER_MS} if the file is older than {@linkcode ABANDONED_AFTER_MS}. The age is measured
 * against a file just written to the same file system, so both times are by the file system's
 * clock.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/file_system.ts";
import type { Clock } from "../../runtime/runtime.ts";

/** Ms between two heartbeats. */
export const HEARTBEAT_MS = 2_000;
/** Ms without a change after which an observer presumes the process dead. */
export const STALE_AFTER_MS = 10_000;
/** Age in ms, by the file system's clock, after which a shorter observation suffices. */
export const ABANDONED_AFTER_MS = 300_000;
/**
 * Ms to observe an old file. After a jump of the file system's clock, as when a machine wakes up,
 * every file looks old until the next heartbeat.
 */
export const CONFIRM_AFTER_MS = 5_000;
/**
 * Ms after the start of a heartbeat in which no observer can have presumed the process dead, so
 * that it need not read the disk: less than any observer waits.
 */
export const LEASE_MS = 4_000;

/**
 * Returns whether a file was changed more than `ms` before `now`, both by the file system's clock.
 * After a jump of that clock, which may be one backward, its files count as old.
 */
export function isOlderThan(ms: number, modified: number, now: number): boolean {
  return Math.abs(now - modified) > ms;
}

/** Watches the heartbeats of other processes. */
export class FailureDetector {
  readonly #files: FileSystem;
  readonly #clock: Clock;
  readonly #seen = new Map<string, { modified: number; id: string; since: number }>();

  /**
   * @param files The file system of the watched files.
   * @param clock The observer's clock; only its monotonic time is used.
   */
  constructor(files: FileSystem, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
  }

  /**
   * Returns whether the heartbeat at `path` has stopped. The first call for a fresh file starts the
   * observation and returns `false`.
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

  /** Forgets a path. */
  forget(path: string): void {
    this.#seen.delete(path);
  }
}
