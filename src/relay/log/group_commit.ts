/**
 * Group commit: concurrent requests share one data sync.
 *
 * @module
 */

/** Syncs a log for several waiting requests. */
export class GroupCommit {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  /** @param sync Syncs everything that was appended before the call. */
  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /**
   * Resolves when everything appended before this call is on stable storage.
   *
   * @throws The error of the sync.
   */
  commit(): Promise<void> {
    if (this.#running === null) {
      return this.#running = this.#sync().finally(() => this.#running = null);
    }
    // The sync in progress may have begun before the last append.
    return this.#next ??= this.#running.catch(() => {}).then(() => {
      this.#next = null;
      return this.commit();
    });
  }
}
