/**
 * Batches of one drain, read in order and prepared for delivery.
 * @module
 */

import type { DeadLetter, Segment } from "../../wal/segment/segment.ts";
import { BatchReader } from "../../wal/record/batch_reader.ts";
import { RecordBatch } from "../../wal/record/record_batch.ts";
import { onAbort } from "../async/on_abort.ts";
import { Signal } from "../async/signal.ts";
import { PendingCalls } from "../calls/pending_calls.ts";
import type { Permit } from "../delivery_client.ts";
import { Stopped } from "../http/send_with_retry.ts";
import type { Delivery } from "../prepared_delivery.ts";
import { DISK_RETRY_MS, type DrainOptions } from "./drain_options.ts";
import type { SettledBatch } from "./drain_progress.ts";
import type { Linger } from "./linger.ts";

/** Batch that was read, and its delivery. */
export interface PreparedBatch {
  readonly batch: RecordBatch;
  readonly delivery: Delivery;
  /**
   * Number of records it sends: without halves that begin to wait, with halves that have waited.
   */
  readonly count: number;
  /** Settles it, in its turn: a rejected end whose start is still expected waits again. */
  readonly settle: (failed: readonly DeadLetter[]) => Settled;
}

/** Outcome of a batch. */
export interface Settled {
  /** Records that the server rejected for good. */
  readonly refused: readonly DeadLetter[];
  /** Progress of the drain. */
  readonly progress: SettledBatch;
}

/** Reads the batches of a segment. */
export class BatchSource {
  readonly #segment: Segment;
  readonly #options: DrainOptions;
  readonly #permit: Permit;
  readonly #linger: Linger;
  /** Halves of calls that `#reader` has read and that wait; both are reset together. */
  readonly #pending: PendingCalls;
  #reader: BatchReader;
  /** The next batch, while it is read ahead. */
  #ahead: Promise<PreparedBatch | null> | null = null;

  /** Begins at the segment's checkpoint. */
  constructor(segment: Segment, options: DrainOptions, permit: Permit, linger: Linger) {
    this.#segment = segment;
    this.#options = options;
    this.#permit = permit;
    this.#linger = linger;
    this.#pending = new PendingCalls(options.clock, {
      laterInLog: segment.mayReorder ?? false,
      otherLogs: options.sharesCalls ?? false,
    });
    this.#reader = new BatchReader(segment, options.limits, segment.checkpoint);
  }

  /** Byte offset of the next record to read. */
  get offset(): number {
    return this.#reader.offset;
  }

  /** End of the segment at the last search for a batch. */
  get lookedTo(): number {
    return this.#reader.lookedTo;
  }

  /** Whether a batch is being read ahead. */
  get isAhead(): boolean {
    return this.#ahead !== null;
  }

  /** Whether ends wait for their starts. */
  get holdsEnds(): boolean {
    return this.#pending.ends.count > 0;
  }

  /**
   * Returns the ms until a waiting half must be sent; `undefined` if none waits.
   * @param isLast Whether nothing more will be read.
   * @param isLogRead Whether no later segment can contain a missing start either.
   */
  dueIn(isLast = false, isLogRead = false): number | undefined {
    this.#pending.ends.isLogRead = isLogRead;
    return this.#pending.dueIn(isLast || this.#linger.sendsNow);
  }

  /**
   * Returns the next batch; `null` if there is no complete record. Rejects with the file system
   * error; the source must then be restarted.
   */
  next(sealed: boolean): Promise<PreparedBatch | null> {
    const next = this.#ahead ?? this.#read(sealed);
    this.#ahead = null;
    return next;
  }

  /** Starts to read the next batch ahead. */
  readAhead(sealed: boolean): void {
    this.#ahead = this.#readLater(sealed);
    this.#ahead.catch(() => {}); // Handled when it is awaited.
  }

  /** Restarts at `offset`, after which nothing has been acknowledged. */
  restart(offset: number): void {
    this.#ahead = null;
    this.#pending.clear();
    this.#reader = new BatchReader(this.#segment, this.#options.limits, offset);
  }

  /** Prepares halves that have waited long enough; the parameters are those of `dueIn`. */
  due(isLast: boolean, isLogRead: boolean): PreparedBatch {
    const none = new RecordBatch(new Uint8Array(0), this.offset, 0);
    none.to = this.offset;
    return this.#prepare(none, isLast, isLogRead);
  }

  /** Lets the request in progress start first: reading blocks the event loop for a while. */
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
    const isLast = sealed && reader.offset >= this.#segment.end();
    // If ends still wait at the end of the segment, the drain looks for later ones.
    return this.#prepare(batch, isLast, false);
  }

  /** Makes a batch ready; the parameters are those of `dueIn`. */
  #prepare(batch: RecordBatch, isLast: boolean, isLogRead: boolean): PreparedBatch {
    const { starts, ends, count: before } = this.#pending;
    ends.isLogRead = isLogRead;
    const wait = !isLast && !this.#linger.sendsNow;
    const delivery = this.#options.deliveryClient.prepare(batch, this.#permit, this.#pending, wait);
    const taken = ends.taken();
    // A later batch may send a start that waits here, and be in flight when the drain stops.
    const { bytes, oldestOffset, offsets } = starts;
    return {
      batch,
      delivery,
      count: batch.count + before - this.#pending.count + taken.length,
      settle: (failed) => {
        const refused = ends.settle(taken, failed);
        // Later batches may have sent starts that wait here, but no ends: these leave when settled.
        const held = ends.before(batch.to);
        const unpaired = Math.min(batch.to, oldestOffset ?? batch.to);
        const acknowledged = Math.min(unpaired, held.oldestOffset ?? unpaired);
        const sent = Math.min(unpaired, held.oldestUnsent ?? unpaired);
        const waiting = {
          bytes: bytes + held.bytes,
          offsets: [...offsets, ...held.offsets],
        };
        return { refused, progress: { end: batch.to, acknowledged, sent, waiting } };
      },
    };
  }

  /** Reads a batch's lines again; retries without limit. */
  async #restore(batch: RecordBatch, reader: BatchReader): Promise<void> {
    const { clock, onTrouble } = this.#options;
    const { stop } = this.#permit;
    // Concurrent batches wait concurrently.
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
