/**
 * Group commit: requests that arrive together share one data sync.
 *
 * @module
 */

/** Syncs a log for all that wait for it. */
export class GroupCommit {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  /** @param sync Forces to stable storage what was appended before it is called. */
  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /**
   * Resolves when all that was appended before this call is on stable storage.
   *
   * @throws What the sync throws.
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
