/**
 * Counts and reports whatever happens to the records of a pipeline.
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
  /** Whether records belong on disk. */
  readonly wal: boolean;
  /** Whether records go to memory now. */
  readonly isInMemory: () => boolean;
}

/** Counts and reports what happens: nothing is counted without a report, or reported uncounted. */
export class PipelineMonitor {
  readonly counters: PipelineCounters;
  readonly events: EventReporter;
  readonly #options: PipelineMonitorOptions;
  /**
   * An error of recovery before the first record. That record shows whether the directory can be
   * used at all; one that cannot is then reported once, with what it means for records.
   */
  #deferred: unknown = null;
  /** Whether no record comes any more that could show it. */
  #closed = false;

  /** Creates a monitor of a pipeline that has just been opened. */
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

  /** The oldest records were dropped to make room. */
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

  /** The server changed its state. */
  serverChanged(state: ServerState, reason: string): void {
    this.counters.serverChanged(state, reason);
    this.events.server(this.counters.server);
  }

  /** A request failed and is tried again. */
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

  /** Something failed that the log can do without. */
  failed(what: string, error: unknown): void {
    this.counters.failed(`${what}: ${messageOf(error)}`);
    if (what === "recovery" && this.counters.appended === 0 && !this.#closed) {
      this.#deferred = error;
      return;
    }
    this.#reportFailed(what, error);
  }

  /** Data could not be forced to stable storage. */
  syncFailed(error: unknown): void {
    // The log already reported that this host does not support syncing.
    if (!hasCode(error, "ENOTSUP")) this.failed("sync", error);
  }

  /** Does `work`, and reports its error. */
  guard(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.failed(what, error);
    }
  }

  /** Reports an error of recovery that waited for the first record. */
  reportDeferred(): void {
    const error = this.#deferred;
    if (error === null) return;
    this.#deferred = null;
    this.#reportFailed("recovery", error);
  }

  /** To be called at intervals: repeats the report of a state that lasts. */
  remind(): void {
    this.reportDeferred();
    this.events.remind(this.counters.server);
  }

  /** No record is appended any more. */
  close(): void {
    this.#closed = true;
    this.reportDeferred();
  }

  /**
   * Nothing more will happen.
   *
   * @param inMemory Records that end with the memory of this process.
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
