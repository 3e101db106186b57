/**
 * Records of one delivery that the server has accepted, while others of it are not settled.
 * @module
 */

import type { BatchRecord } from "../../wal/record/record_batch.ts";

/** Collects delivered records. */
export class DeliveredRecords {
  readonly #offsets: (() => readonly number[])[] = [];
  #hasRepeats = false;

  /** Adds records. */
  add(records: readonly BatchRecord[]): void {
    this.addLater(() => records.map(({ offset }) => offset));
  }

  /** Adds records whose offsets are determined only if the delivery stops. */
  addLater(offsets: () => readonly number[]): void {
    this.#offsets.push(offsets);
  }

  /**
   * Notes that a record repeats another one and is not sent itself. It would be sent if only the
   * other one counted as delivered: nothing does then.
   */
  foundRepeat(): void {
    this.#hasRepeats = true;
  }

  /** Returns the byte offsets of their lines in the segment. */
  list(): number[] {
    return this.#hasRepeats ? [] : this.#offsets.flatMap((offsets) => offsets());
  }
}
