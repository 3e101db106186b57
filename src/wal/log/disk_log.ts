/**
 * The file log with nothing behind it: what the disk does not take is refused.
 *
 * For writers that can refuse a record and are asked again, such as the relay. A program's own calls
 * cannot be refused: for them there is `failover_log.ts`.
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

/** Writes to the disk, and throws what it says. */
export class DiskLog implements RequestLog {
  readonly kind = "file";
  readonly #disk: FileLog;
  readonly #onDisk: (error: unknown) => void;
  #failed = false;

  /** Makes a log over `disk`. */
  constructor({ disk, onDisk }: DiskLogOptions) {
    this.#disk = disk;
    this.#onDisk = onDisk;
  }

  append(type: RecordType, request: string): void {
    this.appendAll([[type, request]]);
  }

  /**
   * Appends several requests with one write call: all of them, or none when it throws.
   *
   * @throws {WeaveWalError} `ERR_LOG_FULL`; otherwise the host's error.
   */
  appendAll(records: readonly WriteRecord[]): void {
    try {
      this.#disk.appendAll(records);
    } catch (error) {
      // A quota that is used up is the user's will, not the disk's failure.
      if (hasCode(error, "ERR_LOG_FULL")) throw error;
      // The next record begins a segment, and so tries the disk again.
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
