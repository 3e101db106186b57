/**
 * Decides when appended records are synced to stable storage.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import type { FileSystem } from "../../runtime/file_system.ts";
import type { Clock, Timer } from "../../runtime/runtime.ts";
import type { SegmentWriter } from "./segment_writer.ts";

/**
 * When appended records are synced to stable storage.
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
 * Maximum number of retired segments that are synced in the background; each stays open meanwhile.
 * If segments fill faster than the disk can sync them, the writer waits.
 */
const MAX_RETIRING = 8;

/** Options for {@linkcode FsyncScheduler}. */
export interface FsyncSchedulerOptions {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly policy: FsyncPolicy;
  /** Ms between syncs with `interval`. */
  readonly intervalMs: number;
  /** Number of records after which a sync begins with `interval`. */
  readonly records: number;
  /** Called when a sync of a segment failed: the data that it covered must be presumed lost. */
  readonly onFailed: (segment: SegmentWriter, error: unknown) => void;
  /**
   * Called once if this host or file system does not support syncing. Records are still in the page
   * cache: they survive the process, but not the machine.
   */
  readonly onUnsupported: (error: unknown) => void;
  /** Called after a successful sync. */
  readonly onSynced: () => void;
  /** Called when a directory could not be synced. */
  readonly onDirectoryFailed: (error: unknown) => void;
}

/**
 * Syncs segments, by policy and on demand.
 *
 * After a failed sync, the kernel may mark pages as clean that it never wrote, and the next sync of
 * the file succeeds without them. So data covered by a failed sync never counts as synced: it is
 * rewritten to another file (`onFailed`), or {@linkcode FsyncScheduler.syncPending} fails for as
 * long as the file exists.
 */
export class FsyncScheduler {
  readonly #options: FsyncSchedulerOptions;
  readonly #running = new Set<Promise<void>>();
  /** Closed files that are not synced, by path, with the error if a sync failed permanently. */
  readonly #pendingFiles = new Map<string, unknown>();
  readonly #pendingDirectories = new Set<string>();
  /** Directories being synced, and whether names were added since the sync began. */
  readonly #syncingDirectories = new Map<string, boolean>();
  #lastPending: Promise<void> = Promise.resolve();
  #active: SegmentWriter | null = null;
  #unsynced = 0;
  /** Number of retired segments being synced. */
  #retiring = 0;
  #timer: Timer | null = null;
  #syncing = false;
  #unsupported = false;

  /** Creates a scheduler with nothing to sync. */
  constructor(options: FsyncSchedulerOptions) {
    this.#options = options;
  }

  /**
   * Schedules the sync of a record that was appended to `segment`. With `always`, syncs before it
   * returns.
   *
   * @throws The file system error if a sync fails with `always`.
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

  /** Schedules the sync of records that were copied to `segment`. */
  copied(segment: SegmentWriter): void {
    if (this.#options.policy === "always") this.#run(this.#sync(segment));
    else this.appended(segment);
  }

  /** Syncs the rest of `segment`, which receives no more records, and closes it. */
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
   * @throws The file system error, after `onFailed` was called; `ENOTSUP` if syncing is not
   * supported.
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

  /**
   * Syncs a directory, and repeats if names were added meanwhile. The directory stays open for each
   * sync.
   */
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
   * Syncs closed files and directories that are not synced: all of them with `never`, otherwise
   * those whose sync failed.
   *
   * @throws The file system error.
   */
  syncPending(): Promise<void> {
    // One at a time: a second sync, concurrent with a failing one, would succeed.
    const turn = this.#lastPending.then(() => this.#syncPending());
    this.#lastPending = turn.catch(() => {});
    return turn;
  }

  /** Presumes the contents of `segment` lost: `syncPending` fails while its file exists. */
  markLost(segment: SegmentWriter, error: unknown): void {
    this.#pendingFiles.set(segment.paths.data, error);
  }

  /** Stops the timer. */
  close(): void {
    this.#reset();
  }

  /** Resolves when no sync is running in the background. */
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
        // A timer that fired during the sync did nothing.
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

  /**
   * Returns whether an error means that syncing is not supported, rather than that a sync failed.
   */
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
