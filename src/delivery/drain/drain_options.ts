/**
 * Options for a drain.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import type { BatchLimits } from "../../wal/record/batch_reader.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { Semaphore } from "../async/signal.ts";
import type { DeliveryTarget } from "../delivery_client.ts";

/** Ms between checks of a segment that another process writes. */
export const POLL_MS = 250;
/** Ms between attempts to read the disk or to store a dead letter after a failure. */
export const DISK_RETRY_MS = 5_000;

/** Options for {@linkcode Drain}. */
export interface DrainOptions {
  readonly clock: Clock;
  readonly deliveryClient: DeliveryTarget;
  readonly limits: BatchLimits;
  /** Number of pending bytes that fill a batch, at which a live segment no longer lingers. */
  readonly lingerBytes: number;
  /** Ms that records of a live segment linger. */
  readonly lingerMs: number;
  /**
   * Whether a call may start in one log and end in another: its end waits until the server has its
   * start. Default `false`.
   */
  readonly sharesCalls?: boolean | undefined;
  /** Limits the number of batches that are read and sent at once, across all segments. */
  readonly slots: Semaphore;
  /** Called when records were delivered or dead-lettered and the checkpoint moved. */
  readonly onProgress: (delivered: number, deadLetters: readonly DeadLetter[]) => void;
  /** Reports dropped records. */
  readonly onDropped: (records: number, bytes: number) => void;
  /** Reports that the segment was drained and removed, and its size in bytes. */
  readonly onComplete: (bytes: number) => void;
  /** Reports a disk error that the drain tolerates. */
  readonly onTrouble: (what: string, error: unknown) => void;
}
