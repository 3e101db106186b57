/**
 * Decides when appended records are forced to stable storage.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import type { Clock, FileSystem, Timer } from "../../runtime/runtime.ts";
import type { SegmentWriter } from "./segment_writer.ts";

/**
 * When appended records are forced to stable storage.
 *
 * @example
 * ```ts
 * import { finish, type FsyncPolicy, init } from "@weave-wal/client";
 *
 * const fsync: FsyncPolicy = "always";
 * await init("team/project", { disabled: true, fsync }); // `wal: true` in a program
 * await finish();
 * ```
 */
export type FsyncPolicy = "interval" | "always" | "never";

/**
 * Segments that are synced in the background after they were left; each is open meanwhile. Where
 * segments are filled faster than the disk takes them, the writer waits for it.
 */
const MAX_RETIRING = 8;

/** Options for {@linkcode FsyncScheduler}. */
export interface FsyncSchedulerOptions {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly policy: FsyncPolicy;
  /** Ms between syncs under `interval`. */
  readonly intervalMs: number;
  /** Records after which a sync begins under `interval`. */
  readonly records: number;
  /** A sync of this segment failed: what it was to cover must be presumed lost. */
  readonly onFailed: (segment: SegmentWriter, error: unknown) => void;
  /**
   * This host or file system cannot sync at all; called once. Nothing is lost by it: records are in
   * the page cache as before, and survive the process but not the machine.
   */
  readonly onUnsupported: (error: unknown) => void;
  /** A sync succeeded. */
  readonly onSynced: () => void;
  /** A directory's names could not be forced to stable storage. */
  readonly onDirectoryFailed: (error: unknown) => void;
}

/**
 * Forces segments to stable storage, by policy and on demand.
 *
 * After a sync that failed the kernel may call pages clean that it never wrote, and the next sync of
 * the file succeeds without them. So nothing that a failed sync was to cover ever counts as synced:
 * it is written again to another file (`onFailed`), or {@linkcode FsyncScheduler.syncPending} fails
 * for as long as the file is there.
 */
export class FsyncScheduler {
  readonly #options: FsyncSchedulerOptions;
  readonly #running = new Set<Promise<void>>();
  /** Closed files that were not synced, by path; with the error where a sync has failed for good. */
  readonly #pendingFiles = new Map<string, unknown>();
  readonly #pendingDirectories = new Set<string>();
  /** Directories that are being synced, and whether they got new names since that began. */
  readonly #syncingDirectories = new Map<string, boolean>();
  #lastPending: Promise<void> = Promise.resolve();
  #active: SegmentWriter | null = null;
  #unsynced = 0;
  /** Segments that were left and are being synced. */
  #retiring = 0;
  #timer: Timer | null = null;
  #syncing = false;
  #unsupported = false;

  /** A scheduler with nothing to sync. */
  constructor(options: FsyncSchedulerOptions) {
    this.#options = options;
  }

  /**
   * Schedules the sync of a record that was appended to `segment`. Under `always` it is on stable
   * storage on return.
   *
   * @throws The host's error when a sync fails under `always`.
   */
  appended(segment: SegmentWriter): void {
    const { policy, records } = this.#options;
    if (policy === "interval") {
      this.#active = segment;
      if (++this.#unsynced >= records) this.#begin();
      else if (this.#timer === null) this.#startTimer();
    } else if (policy === "always") {
      try {
        segment.dataSyncNow();
      } catch (error) {
        if (!this.#isUnsupported(error)) throw error;
      }
    }
  }

  /** Syncs what is left of `segment`, to which nothing more is appended, and closes it. */
  retire(segment: SegmentWriter): void {
    if (this.#active === segment) this.#reset();
    if (this.#options.policy === "never") {
      this.#pendingFiles.set(segment.paths.data, null);
      segment.close();
    } else if (this.#retiring < MAX_RETIRING) {
      this.#retiring++;
      this.#run(
        this.#sync(segment).finally(() => {
          this.#retiring--;
          segment.close();
        }),
      );
    } else this.#retireNow(segment);
  }

  #retireNow(segment: SegmentWriter): void {
    try {
      segment.dataSyncNow();
      this.#options.onSynced();
    } catch (error) {
      this.#failed(segment, error);
    } finally {
      segment.close();
    }
  }

  /**
   * Syncs `segment` now.
   *
   * @throws The host's error, after `onFailed` was called; `ENOTSUP` where syncing is not supported.
   */
  async syncNow(segment: SegmentWriter): Promise<void> {
    if (this.#active === segment) this.#reset();
    await this.#sync(segment);
  }

  /** Syncs the names in `directories`. */
  syncDirectories(directories: readonly string[]): void {
    const { policy, files } = this.#options;
    for (const directory of directories) {
      if (policy === "never") this.#pendingDirectories.add(directory);
      else if (policy === "always") files.syncDirectoryNow(directory);
      else if (this.#syncingDirectories.has(directory)) {
        this.#syncingDirectories.set(directory, true);
      } else this.#run(this.#syncDirectory(directory));
    }
  }

  /** Syncs a directory, and again if it got new names meanwhile: each sync holds it open. */
  async #syncDirectory(directory: string): Promise<void> {
    const { files, onDirectoryFailed } = this.#options;
    do {
      this.#syncingDirectories.set(directory, false);
      try {
        await files.syncDirectory(directory);
      } catch (error) {
        this.#pendingDirectories.add(directory);
        onDirectoryFailed(error);
      }
    } while (this.#syncingDirectories.get(directory));
    this.#syncingDirectories.delete(directory);
  }

  /**
   * Syncs closed files and directories that were not synced: all of them under `never`, otherwise
   * those whose sync failed.
   *
   * @throws The host's error.
   */
  syncPending(): Promise<void> {
    // One after the other: a second one beside a failing one would succeed.
    const turn = this.#lastPending.then(() => this.#syncPending());
    this.#lastPending = turn.catch(() => {});
    return turn;
  }

  /** Presumes what `segment` holds lost: `syncPending` fails while its file is there. */
  markLost(segment: SegmentWriter, error: unknown): void {
    this.#pendingFiles.set(segment.paths.data, error);
  }

  /** Stops the timer. */
  close(): void {
    this.#reset();
  }

  /** Resolves when no sync runs in the background. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running]);
  }

  async #syncPending(): Promise<void> {
    const { files } = this.#options;
    for (const [path, failed] of [...this.#pendingFiles]) {
      if (files.stat(path) === null) {
        this.#pendingFiles.delete(path); // Delivered.
        continue;
      }
      if (failed !== null) throw failed;
      const file = files.openAppend(path);
      try {
        await file.dataSync();
        this.#pendingFiles.delete(path);
      } catch (error) {
        if (!this.#isUnsupported(error)) this.#pendingFiles.set(path, error);
        throw error;
      } finally {
        file.close();
      }
    }
    for (const directory of [...this.#pendingDirectories]) {
      await files.syncDirectory(directory);
      this.#pendingDirectories.delete(directory);
    }
  }

  #startTimer(): void {
    this.#timer = this.#options.clock.after(this.#options.intervalMs, () => {
      this.#timer = null;
      this.#begin();
    });
  }

  #begin(): void {
    const segment = this.#active;
    if (this.#syncing || segment === null) return;
    this.#reset();
    this.#syncing = true;
    this.#run(
      this.#sync(segment).finally(() => {
        this.#syncing = false;
        // A timer that fired during the sync found it busy.
        if (this.#unsynced > 0 && this.#timer === null) this.#startTimer();
      }),
    );
  }

  async #sync(segment: SegmentWriter): Promise<void> {
    // A sync covers what was appended before it began; more may be appended while it runs.
    const size = segment.size;
    try {
      await segment.dataSync();
      segment.markSynced(size);
      this.#options.onSynced();
    } catch (error) {
      this.#failed(segment, error);
      throw error;
    }
  }

  #failed(segment: SegmentWriter, error: unknown): void {
    if (!this.#isUnsupported(error)) this.#options.onFailed(segment, error);
    else if (segment.sealed) this.#pendingFiles.set(segment.paths.data, null);
  }

  /** Whether an error means that this host cannot sync, rather than that a sync failed. */
  #isUnsupported(error: unknown): boolean {
    if (!hasCode(error, "ENOTSUP")) return false;
    if (!this.#unsupported) this.#options.onUnsupported(error);
    this.#unsupported = true;
    return true;
  }

  #reset(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#unsynced = 0;
  }

  #run(work: Promise<void>): void {
    const running: Promise<void> = work.catch(() => {}).finally(() =>
      this.#running.delete(running)
    );
    this.#running.add(running);
  }
}
