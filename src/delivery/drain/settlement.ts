/**
 * Settles batches: what was refused is dead-lettered, then the checkpoint moves.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import { salvage } from "../../wal/record/recover_records.ts";
import type { DeadLetter, Segment } from "../../wal/segment/segment.ts";
import { PendingStarts } from "../calls/pending_starts.ts";
import type { Permit } from "../delivery_client.ts";
import { Stopped } from "../http/send_with_retry.ts";
import type { PreparedBatch } from "./batch_source.ts";
import { DISK_RETRY_MS, type DrainOptions } from "./drain_options.ts";
import type { DrainProgress } from "./drain_progress.ts";
import type { Linger } from "./linger.ts";

/** Settles the batches of one drain, which come in the order of the segment. */
export class Settlement {
  readonly #segment: Segment;
  readonly #options: DrainOptions;
  readonly #permit: Permit;
  readonly #linger: Linger;
  /** Moves only after the dead letters of a batch are kept: nothing is acknowledged before. */
  readonly #progress: DrainProgress;

  /** Makes a settlement that records what it settles in `progress`. */
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
   *
   * @param refused The records that the server will not have.
   * @throws {Stopped} If the drain is stopped first.
   * @throws {WeaveWalError} `ERR_LEASE_LOST` if another sender has taken the segment over.
   */
  async settle(
    { batch, count, settled }: PreparedBatch,
    refused: readonly DeadLetter[],
  ): Promise<void> {
    const { deliveryClient, clock, onProgress, onTrouble } = this.#options;
    const { batches, deadLetters: left } = salvage([...batch.corrupt, ...refused]);
    const deadLetters = [...left];
    let delivered = count - refused.length;
    for (const found of batches) {
      const none = new PendingStarts(clock);
      const again = await deliveryClient.prepare(found, this.#permit, none, false).send();
      deadLetters.push(...again);
      delivered += found.count - again.length;
    }
    deadLetters.sort((a, b) => a.offset - b.offset);
    if (deadLetters.length > 0) await this.#keep(deadLetters);
    try {
      this.#segment.acknowledge(settled.acknowledged);
    } catch (error) {
      // Without a checkpoint the records may be sent again; the lease is another matter.
      if (hasCode(error, "ERR_LEASE_LOST")) throw error;
      onTrouble("checkpoint", error);
    }
    this.#progress.settled(settled);
    onProgress(delivered, deadLetters);
  }

  /** A record that the disk does not take as a dead letter is not acknowledged: it waits until it does. */
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
