/**
 * Settles batches: dead-letters rejected records, then moves the checkpoint.
 * @module
 */

import { hasCode } from "../../errors.ts";
import { salvage } from "../../wal/record/recover_records.ts";
import type { DeadLetter, Segment } from "../../wal/segment/segment.ts";
import { PendingCalls } from "../calls/pending_calls.ts";
import type { Permit } from "../delivery_client.ts";
import { Stopped } from "../http/send_with_retry.ts";
import type { PreparedBatch } from "./batch_source.ts";
import { DISK_RETRY_MS, type DrainOptions } from "./drain_options.ts";
import type { DrainProgress } from "./drain_progress.ts";
import type { Linger } from "./linger.ts";

/** Settles the batches of one drain, in the order of the segment. */
export class Settlement {
  readonly #segment: Segment;
  readonly #options: DrainOptions;
  readonly #permit: Permit;
  readonly #linger: Linger;
  /** Moves only after the dead letters of a batch are stored: nothing is acknowledged before. */
  readonly #progress: DrainProgress;

  /** Creates a settlement that records settled batches in `progress`. */
  constructor(
    segment: Segment,
    options: DrainOptions,
    permit: Permit,
    linger: Linger,
    progress: DrainProgress,
  ) {
    this.#segment = segment;
    this.#options = options;
    this.#permit = permit;
    this.#linger = linger;
    this.#progress = progress;
  }

  /**
   * Settles a batch whose delivery has ended.
   * @param failed Records that the server rejected.
   * @throws {Stopped} If the drain is stopped first.
   * @throws {WeaveWalError} `ERR_LEASE_LOST` if another sender has taken over the segment.
   */
  async settle(
    { batch, count, settle }: PreparedBatch,
    failed: readonly DeadLetter[],
  ): Promise<void> {
    const { deliveryClient, clock, onProgress, onTrouble } = this.#options;
    const { refused, progress } = settle(failed);
    const { batches, deadLetters: left } = salvage([...batch.corrupt, ...refused]);
    const deadLetters = [...left];
    let delivered = count - failed.length;
    for (const found of batches) {
      const none = new PendingCalls(clock);
      const again = await deliveryClient.prepare(found, this.#permit, none, false).send();
      deadLetters.push(...again);
      delivered += found.count - again.length;
    }
    deadLetters.sort((a, b) => a.offset - b.offset);
    if (deadLetters.length > 0) await this.#keep(deadLetters);
    try {
      this.#segment.acknowledge(progress.acknowledged);
    } catch (error) {
      // Without a checkpoint, records may be sent twice; a lost lease is a different matter.
      if (hasCode(error, "ERR_LEASE_LOST")) throw error;
      onTrouble("checkpoint", error);
    }
    this.#progress.settled(progress);
    onProgress(delivered, deadLetters);
  }

  /**
   * Stores dead letters. A record that cannot be stored is not acknowledged: it waits for the disk.
   */
  async #keep(deadLetters: readonly DeadLetter[]): Promise<void> {
    for (;;) {
      try {
        return await this.#segment.deadLetterLines(deadLetters);
      } catch (error) {
        if (hasCode(error, "ERR_LEASE_LOST")) throw error;
        this.#options.onTrouble("dead letters", error);
      }
      await this.#linger.wait(DISK_RETRY_MS);
      if (this.#permit.stop.aborted) throw new Stopped("Stopped while keeping dead letters");
    }
  }
}
