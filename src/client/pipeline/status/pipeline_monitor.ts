/**
 * Counts and reports what happens to the records of a pipeline.
 *
 * @module
 */

import { hasCode, messageOf } from "../../../errors.ts";
import type { ServerState } from "../../../delivery/http/circuit_breaker.ts";
import type { DeadLetter } from "../../../wal/segment/segment.ts";
import { type DropCause, PipelineCounters } from "./counters.ts";
import { EventReporter, type EventReporterOptions } from "./event_reporter.ts";

/** Options for {@linkcode PipelineMonitor}. */
export interface PipelineMonitorOptions extends EventReporterOptions {
  /** Whether records should be on disk. */
  readonly wal: boolean;
  /** Returns whether records currently go to memory. */
  readonly isInMemory: () => boolean;
}

/**
 * Counts and reports events, so that nothing is counted without a report or reported without a
 * count.
 */
export class PipelineMonitor {
  readonly counters: PipelineCounters;
  readonly events: EventReporter;
  readonly #options: PipelineMonitorOptions;
  /**
   * An error of recovery before the first record. The first record shows whether the directory is
   * usable at all; if it is not, that is reported once, with the consequence for records.
   */
  #deferred: unknown = null;
  /** Whether no more records will be appended that could show it. */
  #closed = false;

  /** Creates a monitor for a pipeline that was just opened. */
  constructor(options: PipelineMonitorOptions) {
    this.#options = options;
    this.counters = new PipelineCounters(options.clock);
    this.events = new EventReporter(options);
  }

  /** Records were dropped. */
  dropped(cause: DropCause, records: number, why: string): void {
    this.counters.drop(cause, records);
    this.events.dropped(cause, records, why);
  }

  /** The oldest records were dropped to free space. */
  droppedOldest(records: number): void {
    this.dropped("quota-oldest", records, "maxDiskBytes is nearly reached");
  }

  /** Records were delivered or dead-lettered. */
  settled(delivered: number, deadLetters: readonly DeadLetter[]): void {
    // A memory log has no dead letters: such records count as dropped.
    this.counters.settled(delivered, this.#options.wal ? deadLetters : []);
    for (const { reason, status } of deadLetters) {
      const why = status === undefined ? reason : `${reason}, HTTP ${status}`;
      this.counters.failed(why);
      this.events.deadLetter(why);
    }
  }

  /** The server's state changed. */
  serverChanged(state: ServerState, reason: string): void {
    this.counters.serverChanged(state, reason);
    this.events.server(this.counters.server);
  }

  /** A request failed and will be retried. */
  requestFailed(reason: string): void {
    this.counters.requestFailed(reason);
    this.events.report("debug", "retry", reason);
  }

  /** The disk failed with this error, or works again (`null`). */
  diskChanged(error: unknown): void {
    const message = error === null ? null : messageOf(error);
    this.counters.diskChanged(error, message ?? "");
    if (message !== null) this.counters.failed(message);
    this.events.disk(message);
  }

  /** A tolerable operation failed. */
  failed(what: string, error: unknown): void {
    this.counters.failed(`${what}: ${messageOf(error)}`);
    if (what === "recovery" && this.counters.appended === 0 && !this.#closed) {
      this.#deferred = error;
      return;
    }
    this.#reportFailed(what, error);
  }

  /** The disk, or the runtime, cannot sync. */
  syncUnsupported(error: unknown): void {
    const message = messageOf(error);
    this.counters.syncUnsupported(error, message);
    this.events.syncUnsupported(message);
  }

  /** Data could not be synced. */
  syncFailed(error: unknown): void {
    // The log already reported that this host does not support syncing.
    if (!hasCode(error, "ENOTSUP")) this.failed("sync", error);
  }

  /** Runs `work`, and reports its error. */
  guard(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.failed(what, error);
    }
  }

  /** Reports an error of recovery that was deferred until the first record. */
  reportDeferred(): void {
    const error = this.#deferred;
    if (error === null) return;
    this.#deferred = null;
    this.#reportFailed("recovery", error);
  }

  /** Repeats the report of a persistent state if it is due. Call it at intervals. */
  remind(): void {
    this.reportDeferred();
    this.events.remind(this.counters.server);
  }

  /** No more records will be appended. */
  close(): void {
    this.#closed = true;
    this.reportDeferred();
  }

  /**
   * Nothing more will happen.
   *
   * @param inMemory Number of records that are lost with the memory of this process.
   */
  end(inMemory: number): void {
    this.events.end(inMemory);
  }

  #reportFailed(what: string, error: unknown): void {
    // Errors that follow from a known disk failure are not reported again.
    const isNews = !this.#options.wal || !this.#options.isInMemory();
    this.events.logError(what, messageOf(error), isNews);
  }
}
