/**
 * The records of one request. They are appended together, so that a refused request leaves nothing
 * in the log and can be retried.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import type { WriteRecord } from "../../client/pipeline/pipeline.ts";
import type { RelayLog } from "./relay_log.ts";
import type { RelayLogs } from "./relay_logs.ts";

/** Collects records, by project. */
export class WriteBatch {
  readonly #logs: RelayLogs;
  readonly #records = new Map<RelayLog, WriteRecord[]>();
  readonly #onAppended: (() => void)[] = [];
  readonly #onCommitted: (() => void)[] = [];

  /** Creates an empty batch. */
  constructor(logs: RelayLogs) {
    this.#logs = logs;
  }

  /**
   * Returns the log of a project.
   *
   * @param projectId `entity/project`.
   * @throws {WeaveWalError} `ERR_INVALID_NAME` if it has another format.
   */
  log(projectId: string | undefined): RelayLog {
    return this.#logs.of(projectId ?? "");
  }

  /** Adds a record, as the JSON text of its request on one line. */
  add(log: RelayLog, type: RecordType, request: string): void {
    const records = this.#records.get(log);
    if (records) records.push([type, request]);
    else this.#records.set(log, [[type, request]]);
  }

  /** Calls `run` after the records were appended. */
  onAppended(run: () => void): void {
    this.#onAppended.push(run);
  }

  /** Calls `run` when the records are as safe as the relay promises. */
  onCommitted(run: () => void): void {
    this.#onCommitted.push(run);
  }

  /** Number of records. */
  get size(): number {
    let size = 0;
    for (const records of this.#records.values()) size += records.length;
    return size;
  }

  /**
   * Appends the records, and waits until they are as safe as the relay promises.
   *
   * @throws {WeaveWalError} `ERR_LOG_FULL`, `ERR_LOG_CLOSED`; otherwise the file system error.
   */
  async commit(): Promise<void> {
    const commits: (() => Promise<void>)[] = [];
    for (const [log, records] of this.#records) {
      const commit = this.#guarded(log, () => log.append(records));
      commits.push(() => this.#committed(log, commit));
    }
    for (const run of this.#onAppended) run();
    await Promise.all(commits.map((commit) => commit()));
    for (const run of this.#onCommitted) run();
  }

  #guarded<T>(log: RelayLog, work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#failed(log, error);
      throw error;
    }
  }

  async #committed(log: RelayLog, commit: () => Promise<void>): Promise<void> {
    try {
      await commit();
    } catch (error) {
      this.#failed(log, error);
      throw error;
    }
  }

  #failed(log: RelayLog, error: unknown): void {
    if (!isOfLog(error)) this.#logs.retire(log);
  }
}

/**
 * Returns whether the log remains usable after an error; after others, such as those of a disk, a
 * new log is opened.
 */
function isOfLog(error: unknown): boolean {
  return hasCode(error, "ERR_LOG_FULL") || hasCode(error, "ERR_LOG_UNREACHABLE") ||
    hasCode(error, "ERR_RECORD_TOO_LARGE");
}
