/**
 * The records of one request. They are appended together, so that a request that is refused leaves
 * nothing behind and can be made again.
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
  readonly #onCommit: (() => void)[] = [];

  /** A batch without records. */
  constructor(logs: RelayLogs) {
    this.#logs = logs;
  }

  /**
   * The log of a project.
   *
   * @param projectId `entity/project`.
   * @throws {WeaveWalError} `ERR_INVALID_NAME` when it is not such a text.
   */
  log(projectId: string | undefined): RelayLog {
    return this.#logs.of(projectId ?? "");
  }

  /** Adds a record: JSON text of its request, on one line. */
  add(log: RelayLog, type: RecordType, request: string): void {
    const records = this.#records.get(log);
    if (records) records.push([type, request]);
    else this.#records.set(log, [[type, request]]);
  }

  /** Calls `run` when the records are in the log. */
  onAppended(run: () => void): void {
    this.#onCommit.push(run);
  }

  /** Number of records. */
  get size(): number {
    let size = 0;
    for (const records of this.#records.values()) size += records.length;
    return size;
  }

  /**
   * Appends the records and waits until they are as safe as the relay promises.
   *
   * @throws {WeaveWalError} `ERR_LOG_FULL`, `ERR_LOG_CLOSED`; otherwise the host's error.
   */
  async commit(): Promise<void> {
    for (const [log, records] of this.#records) await this.#onDisk(log, () => log.append(records));
    for (const run of this.#onCommit) run();
    const logs = [...this.#records.keys()];
    await Promise.all(logs.map((log) => this.#onDisk(log, () => log.commit())));
  }

  async #onDisk(log: RelayLog, work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!hasCode(error, "ERR_LOG_FULL")) this.#logs.retire(log);
      throw error;
    }
  }
}
