/**
 * When appended records are forced to stable storage.
 *
 * @module
 */

import type { Clock, FileSystem, Timer } from "../../runtime/runtime.ts";
import type { SegmentWriter } from "./segment_writer.ts";

/** When appended records are forced to stable storage. */
export type FsyncPolicy = "interval" | "always" | "never";

/** What a data sync is made from. */
export interface DataSyncOptions {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly policy: FsyncPolicy;
  /** Ms between syncs under `interval`. */
  readonly intervalMs: number;
  /** Records after which a sync begins under `interval`. */
  readonly records: number;
  /** A sync of this segment failed: what it was to cover must be taken for lost. */
  readonly onFailed: (segment: SegmentWriter, error: unknown) => void;
  /** A sync succeeded. */
  readonly onSynced: () => void;
  /** A directory's names could not be forced to stable storage. */
  readonly onDirectoryFailed: (error: unknown) => void;
}

/** Forces segments to stable storage, by policy and on demand. */
export class DataSync {
  readonly #options: DataSyncOptions;
  readonly #running = new Set<Promise<void>>();
  /** Segments left under `never`, and those of which a sync failed, with its error. */
  readonly #owedFiles = new Map<string, unknown>();
  readonly #owedDirectories = new Set<string>();
  #lastOwed: Promise<void> = Promise.resolve();
  #active: SegmentWriter | null = null;
  #unsynced = 0;
  #timer: Timer | null = null;
  #syncing = false;

  /** Makes one that has nothing to sync. */
  constructor(options: DataSyncOptions) {
    this.#options = options;
  }

  /** A record was appended to `segment`. Under `always` it is on stable storage on return. */
  appended(segment: SegmentWriter): void {
    const { policy, records } = this.#options;
    if (policy === "interval") {
      this.#active = segment;
      if (++this.#unsynced >= records) this.#begin();
      else if (this.#timer === null) this.#startTimer();
    } else if (policy === "always") {
      segment.dataSyncNow();
    }
  }

  /** `segment` is sealed: syncs what is left of it and closes it. */
  leave(segment: SegmentWriter): void {
    if (this.#active === segment) this.#forget();
    if (this.#options.policy === "never") {
      this.#owedFiles.set(segment.paths.data, null);
      segment.close();
    } else this.#run(this.#sync(segment).finally(() => segment.close()));
  }

  /** Syncs `segment` now; rejects with the host's error after `onFailed` was told. */
  async now(segment: SegmentWriter): Promise<void> {
    if (this.#active === segment) this.#forget();
    await this.#sync(segment, true);
  }

  /** Syncs the names in `directories`. */
  directories(directories: readonly string[]): void {
    const { policy, files, onDirectoryFailed } = this.#options;
    for (const directory of directories) {
      if (policy === "never") this.#owedDirectories.add(directory);
      else if (policy === "always") files.syncDirectoryNow(directory);
      else {
        this.#run(
          files.syncDirectory(directory).catch((error) => {
            this.#owedDirectories.add(directory);
            onDirectoryFailed(error);
          }),
        );
      }
    }
  }

  /** Syncs what `never` has left alone so far, and directories that failed; rejects with the host's error. */
  owed(): Promise<void> {
    // One after the other: a second one beside a failing one would succeed.
    const turn = this.#lastOwed.then(() => this.#syncOwed());
    this.#lastOwed = turn.catch(() => {});
    return turn;
  }

  async #syncOwed(): Promise<void> {
    const { files } = this.#options;
    for (const [path, failed] of [...this.#owedFiles]) {
      if (files.stat(path) === null) {
        this.#owedFiles.delete(path); // Delivered.
        continue;
      }
      // A sync that follows a failed one succeeds without having written what that one lost.
      if (failed !== null) throw failed;
      const file = files.openAppend(path);
      try {
        await file.dataSync();
        this.#owedFiles.delete(path);
      } catch (error) {
        this.#owedFiles.set(path, error);
        throw error;
      } finally {
        file.close();
      }
    }
    for (const directory of [...this.#owedDirectories]) {
      await files.syncDirectory(directory);
      this.#owedDirectories.delete(directory);
    }
  }

  /** What `segment` holds may be lost for good: nothing counts as synced while it waits. */
  taint(segment: SegmentWriter, error: unknown): void {
    this.#owedFiles.set(segment.paths.data, error);
  }

  /** Stops the timer. */
  close(): void {
    this.#forget();
  }

  /** Resolves when nothing goes on in the background. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running]);
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
    this.#forget();
    this.#syncing = true;
    this.#run(
      this.#sync(segment).finally(() => {
        this.#syncing = false;
        if (this.#unsynced > 0 && this.#timer === null) this.#startTimer();
      }),
    );
  }

  async #sync(segment: SegmentWriter, rethrow = false): Promise<void> {
    const size = segment.size;
    try {
      await segment.dataSync();
      segment.markSynced(size);
      this.#options.onSynced();
    } catch (error) {
      this.#options.onFailed(segment, error);
      if (rethrow) throw error;
    }
  }

  #forget(): void {
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
