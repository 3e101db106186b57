/**
 * A file log without a fallback: records that cannot be written to disk are refused.
 *
 * For writers whose callers can retry, such as the relay. The calls of a program cannot be refused;
 * they use `failover_log.ts`.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import type { FileLog } from "./file_log.ts";
import type { RequestLog, WriteRecord } from "./record_log.ts";

/** Options for {@linkcode DiskLog}. */
export interface DiskLogOptions {
  readonly disk: FileLog;
  /** Called when the disk fails (with its error) and when it works again (with `null`). */
  readonly onDisk: (error: unknown) => void;
}

/** Writes to the disk, and throws its errors. */
export class DiskLog implements RequestLog {
  readonly kind = "file";
  readonly #disk: FileLog;
  readonly #onDisk: (error: unknown) => void;
  #failed = false;

  /** Creates a log on top of `disk`. */
  constructor({ disk, onDisk }: DiskLogOptions) {
    this.#disk = disk;
    this.#onDisk = onDisk;
  }

  append(type: RecordType, request: string): void {
    this.appendAll([[type, request]]);
  }

  /**
   * Appends several requests with one write call: all of them, or none if it throws.
   *
   * @throws {WeaveWalError} `ERR_LOG_FULL`; otherwise the file system error.
   */
  appendAll(records: readonly WriteRecord[]): void {
    try {
      this.#disk.appendAll(records);
    } catch (error) {
      // A full quota is configured by the user; it is not a disk failure.
      if (hasCode(error, "ERR_LOG_FULL")) throw error;
      // The next record starts a new segment, and so retries the disk.
      this.#disk.close();
      if (!this.#failed) {
        this.#failed = true;
        this.#onDisk(error);
      }
      throw error;
    }
    if (this.#failed) {
      this.#failed = false;
      this.#onDisk(null);
    }
  }

  get written(): { readonly records: number; readonly bytes: number } {
    return this.#disk.written;
  }

  sync(): Promise<void> {
    return this.#disk.sync();
  }

  rotate(): void {
    this.#disk.rotate();
  }

  heartbeat(): void {
    this.#disk.heartbeat();
  }

  close(): void {
    this.#disk.close();
  }

  settled(): Promise<void> {
    return this.#disk.settled();
  }
}
