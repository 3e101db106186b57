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

/** Ms between two looks at a segment that another process writes. */
export const POLL_MS = 250;
/** Ms between two tries when the disk fails to be read, or to keep a dead letter. */
export const DISK_RETRY_MS = 5_000;

/** Options for a drain. */
export interface DrainOptions {
  readonly clock: Clock;
  readonly deliveryClient: DeliveryTarget;
  readonly limits: BatchLimits;
  /** Bytes that fill a batch: with as many waiting, a live segment lingers no longer. */
  readonly lingerBytes: number;
  /** Ms that records of a live segment wait for more. */
  readonly lingerMs: number;
  /** Limits the batches read and sent at once, of all segments. */
  readonly slots: Semaphore;
  /** Called when records were delivered or dead-lettered and the checkpoint moved. */
  readonly onProgress: (delivered: number, deadLetters: readonly DeadLetter[]) => void;
  /** Reports records that were dropped. */
  readonly onDropped: (records: number, bytes: number) => void;
  /** Reports that the segment was drained and removed, and its size in bytes. */
  readonly onComplete: (bytes: number) => void;
  /** Reports a disk error that the drain tolerates. */
  readonly onTrouble: (what: string, error: unknown) => void;
}
