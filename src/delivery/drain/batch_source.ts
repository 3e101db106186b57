/**
 * The batches of one drain: read in order, and made ready for delivery.
 *
 * @module
 */

import type { Segment } from "../../wal/segment/segment.ts";
import { BatchReader } from "../../wal/record/batch_reader.ts";
import { RecordBatch } from "../../wal/record/record_batch.ts";
import { onAbort } from "../async/on_abort.ts";
import { Signal } from "../async/signal.ts";
import { PendingStarts } from "../calls/pending_starts.ts";
import type { Permit } from "../delivery_client.ts";
import { Stopped } from "../http/send_with_retry.ts";
import type { Delivery } from "../prepared_delivery.ts";
import { DISK_RETRY_MS, type DrainOptions } from "./drain_options.ts";
import type { SettledBatch } from "./drain_progress.ts";
import type { Linger } from "./linger.ts";

/** A batch that was read, and its delivery. */
export interface PreparedBatch {
  readonly batch: RecordBatch;
  readonly delivery: Delivery;
  /** Records that it sends: without starts that wait, with those that have waited. */
  readonly count: number;
  /** The progress of the drain once it is settled. */
  readonly settled: SettledBatch;
}

/** Reads the batches of a segment. */
export class BatchSource {
  readonly #segment: Segment;
  readonly #options: DrainOptions;
  readonly #permit: Permit;
  readonly #linger: Linger;
  /** Starts that `#reader` has read and no delivery sends: both begin anew together. */
  readonly #starts: PendingStarts;
  #reader: BatchReader;
  /** The next batch, while it is read in advance. */
  #ahead: Promise<PreparedBatch | null> | null = null;

  /** Begins at the segment's checkpoint. */
  constructor(segment: Segment, options: DrainOptions, permit: Permit, linger: Linger) {
    this.#segment = segment;
    this.#options = options;
    this.#permit = permit;
    this.#linger = linger;
    this.#starts = new PendingStarts(options.clock);
    this.#reader = new BatchReader(segment, options.limits, segment.checkpoint);
  }

  /** Byte offset of the next record to read. */
  get offset(): number {
    return this.#reader.offset;
  }

  /** End of the segment when it was last looked for a batch. */
  get lookedTo(): number {
    return this.#reader.lookedTo;
  }

  /** Whether a batch is being read in advance. */
  get isAhead(): boolean {
    return this.#ahead !== null;
  }

  /** Ms until the oldest start that waits is to be sent; `undefined` when none waits. */
  get startsDueIn(): number | undefined {
    return this.#starts.dueIn;
  }

  /**
   * Returns the next batch; `null` if no complete record is there. Rejects with the disk's error, and
   * has to begin anew then.
   */
  next(sealed: boolean): Promise<PreparedBatch | null> {
    const next = this.#ahead ?? this.#read(sealed);
    this.#ahead = null;
    return next;
  }

  /** Begins to read the next batch in advance. */
  readAhead(sealed: boolean): void {
    this.#ahead = this.#readLater(sealed);
    this.#ahead.catch(() => {}); // Seen when it is awaited.
  }

  /** Begins anew at `offset`, from which on nothing is acknowledged. */
  restart(offset: number): void {
    this.#ahead = null;
    this.#starts.takeAll();
    this.#reader = new BatchReader(this.#segment, this.#options.limits, offset);
  }

  /** Prepares starts that have waited long enough, or all if there is no more time. */
  startsDue(): PreparedBatch {
    const none = new RecordBatch(new Uint8Array(0), this.offset, 0);
    none.to = this.offset;
    return this.#prepare(none, this.#starts.dueIn === 0 && !this.#linger.sendsNow);
  }

  /** Lets the request under way get out first: reading takes the processor for a while. */
  async #readLater(sealed: boolean): Promise<PreparedBatch | null> {
    const { clock } = this.#options;
    if (clock.soon) await new Promise<void>((resolve) => clock.soon!(resolve));
    return await this.#read(sealed);
  }

  async #read(sealed: boolean): Promise<PreparedBatch | null> {
    const reader = this.#reader;
    const batch = await reader.next(sealed);
    if (batch === null) return null;
    batch.restore = () => this.#restore(batch, reader);
    const last = sealed && reader.offset >= this.#segment.end();
    return this.#prepare(batch, !last && !this.#linger.sendsNow);
  }

  #prepare(batch: RecordBatch, wait: boolean): PreparedBatch {
    const before = this.#starts.count;
    const { deliveryClient } = this.#options;
    const delivery = deliveryClient.prepare(batch, this.#permit, this.#starts, wait);
    const { count, bytes, oldestOffset } = this.#starts;
    const acknowledged = Math.min(batch.to, oldestOffset ?? batch.to);
    return {
      batch,
      delivery,
      count: batch.count + before - count,
      settled: { end: batch.to, acknowledged, starts: { count, bytes } },
    };
  }

  /** Reads a batch's lines again, however long that takes. */
  async #restore(batch: RecordBatch, reader: BatchReader): Promise<void> {
    const { clock, onTrouble } = this.#options;
    const { stop } = this.#permit;
    // Batches that are sent side by side wait side by side.
    const signal = new Signal(clock);
    const forget = onAbort(stop, () => signal.wake());
    try {
      for (;;) {
        const read = await reader.restore(batch).catch((error) => onTrouble("read", error));
        if (read === true) return;
        if (read === false) throw new Error("The log was changed while it was being sent");
        if (stop.aborted) throw new Stopped("Stopped while reading again");
        await signal.wait(DISK_RETRY_MS);
      }
    } finally {
      forget();
    }
  }
}
