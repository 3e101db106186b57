/**
 * The writing end of a pipeline: appends records to the log, or drops and counts them.
 *
 * @module
 */

import { errorCode, messageOf, WeaveWalError } from "../../../errors.ts";
import type { OtelRecordType } from "../../../protocol/otlp/otel_request.ts";
import type { RecordType } from "../../../protocol/record_types.ts";
import type { WriteRecord } from "../../../wal/log/record_log.ts";
import type { PipelineMonitor } from "../status/pipeline_monitor.ts";
import type { CreatedLog } from "./create_log.ts";

/** Options for {@linkcode LogWriter}. */
export interface LogWriterOptions {
  readonly logs: CreatedLog;
  readonly monitor: PipelineMonitor;
  /** Called after every append. */
  readonly onAppended: () => void;
}

/**
 * Appends the records of a pipeline. Each record is in the log, dropped and counted, or refused.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  /** Once set, no record reaches the log: `finish()` relies on having seen the last one. */
  #closed = false;

  /** Creates an open writer. */
  constructor(options: LogWriterOptions) {
    this.#options = options;
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Appends one request. Throws only if the log is strict. */
  append(type: RecordType, request: string): void {
    const { logs: { log, disk, strict }, monitor, onAppended } = this.#options;
    if (strict !== null) return this.appendAll([[type, request]]);
    if (this.#closed) return monitor.dropped("closed", 1, "it came after finish()");
    try {
      log.append(type, request);
      monitor.counters.append(1);
    } catch (error) {
      const full = errorCode(error) === "ERR_LOG_FULL";
      const cause = !full ? "failed" : log.kind === "file" ? "quota-new" : "memory-full";
      monitor.dropped(cause, 1, messageOf(error));
      // It may be the end of a call, which recovery would end again.
      monitor.guard("open calls", () => disk?.forgetOpenCalls());
    }
    onAppended();
  }

  /**
   * Appends several requests; if the log is strict, with one write: all or none.
   *
   * @throws {WeaveWalError} If it is strict: `ERR_LOG_CLOSED` after `close()`, otherwise the log's
   * error.
   */
  appendAll(records: readonly WriteRecord[]): void {
    const { logs: { strict }, monitor, onAppended } = this.#options;
    if (strict === null) {
      for (const [type, request] of records) this.append(type, request);
      return;
    }
    if (this.#closed) {
      throw new WeaveWalError("ERR_LOG_CLOSED", "Cannot append a record: the log is closed");
    }
    strict.appendAll(records);
    monitor.counters.append(records.length);
    onAppended();
  }

  /** Records the start of a span. Never throws. */
  noteSpanStart(type: OtelRecordType, request: string): void {
    const { log, disk } = this.#options.logs;
    // Records in memory are lost with the process.
    if (this.#closed || disk === null || log.kind === "memory") return;
    try {
      disk.noteSpanStart(type, request);
    } catch {
      // The end of the span gets the same error, and it is reported there.
    }
  }

  /** Closes the writer. */
  close(): void {
    this.#closed = true;
  }
}
