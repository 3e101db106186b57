/**
 * A file log that falls back to memory, so that disk errors never reach the program.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import type { MemoryLog } from "./memory_log.ts";
import type { RequestLog } from "./record_log.ts";

/** Ms between two attempts to return to the disk. */
export const DISK_RETRY_MS = 5_000;

/** Options for a failover log. */
export interface FailoverLogOptions {
  readonly clock: Clock;
  readonly disk: RequestLog;
  readonly memory: RequestLog & Pick<MemoryLog, "waiting" | "moveTo">;
  /**
   * Whether a sender empties the memory log. If not, its records move to the disk when that works
   * again.
   */
  readonly sender: boolean;
  /** Called when the disk fails (with its error) and when it works again (with `null`). */
  readonly onDisk: (error: unknown) => void;
}

/** Writes to the disk, or to memory while the disk fails. */
export class FailoverLog implements RequestLog {
  readonly #options: FailoverLogOptions;
  #failed = false;
  #retryAt = 0;

  /** Creates a log that uses `memory` while `disk` fails. */
  constructor(options: FailoverLogOptions) {
    this.#options = options;
  }

  get kind(): "file" | "memory" {
    return this.#failed ? "memory" : "file";
  }

  append(type: RecordType, request: string): void {
    const { clock, disk, memory, onDisk } = this.#options;
    if (!this.#failed || clock.monotonic() >= this.#retryAt) {
      try {
        if (this.#failed) this.#moveBack();
        disk.append(type, request);
        this.#recovered();
        return;
      } catch (error) {
        // A full quota is configured by the user; it is not a disk failure.
        if (hasCode(error, "ERR_LOG_FULL")) throw error;
        this.#retryAt = clock.monotonic() + DISK_RETRY_MS;
        if (!this.#failed) {
          this.#failed = true;
          disk.close();
          onDisk(error);
        }
      }
    }
    memory.append(type, request);
  }

  get written(): { readonly records: number; readonly bytes: number } {
    const { disk, memory } = this.#options;
    return {
      records: disk.written.records + memory.written.records,
      bytes: disk.written.bytes + memory.written.bytes,
    };
  }

  /** Rejects while records are in memory, even if the disk works again. */
  async sync(): Promise<void> {
    const { disk, memory } = this.#options;
    if (this.#failed) throw new Error("Cannot sync the log: the disk has failed");
    await disk.sync();
    const { waiting } = memory;
    if (waiting > 0) throw new Error(`Cannot sync the log: records in memory: ${waiting}`);
  }

  rotate(): void {
    this.#options.disk.rotate();
    this.#options.memory.rotate();
  }

  heartbeat(): void {
    const { clock, disk, memory } = this.#options;
    disk.heartbeat();
    if (!this.#failed || memory.waiting === 0 || clock.monotonic() < this.#retryAt) return;
    this.#tryBack();
  }

  close(): void {
    const { disk, memory } = this.#options;
    if (this.#failed) this.#tryBack();
    disk.close();
    memory.close();
  }

  #moveBack(): void {
    const { sender, memory, disk } = this.#options;
    if (!sender) memory.moveTo(disk);
  }

  #tryBack(): void {
    const { clock, sender, disk } = this.#options;
    if (sender) return;
    try {
      this.#moveBack();
      this.#recovered();
    } catch {
      this.#retryAt = clock.monotonic() + DISK_RETRY_MS;
      disk.close(); // The records that it wrote are final.
    }
  }

  #recovered(): void {
    if (!this.#failed) return;
    this.#failed = false;
    this.#options.memory.close();
    this.#options.onDisk(null);
  }

  settled(): Promise<void> {
    return this.#options.disk.settled();
  }
}
