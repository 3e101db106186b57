/**
 * Batch prepared for delivery.
 * @module
 */

import type { DeadLetter } from "../wal/segment/segment.ts";

/** Prepared batch, of which nothing has been sent yet. */
export interface Delivery {
  /**
   * Whether it may be in flight together with other independent batches of the same log: it
   * contains only calls, and no end whose start may have been sent before.
   */
  readonly independent: boolean;
  /**
   * Delivers the batch and returns the rejected records with the reasons. Throws `Stopped` if it
   * was stopped first, or the permit's error; nothing may be acknowledged then.
   */
  readonly send: () => Promise<DeadLetter[]>;
  /** Byte offsets of lines that are delivered, if it has not ended with a result: in no order. */
  readonly delivered: () => readonly number[];
}
