/**
 * The batches of one segment that are on their way: sent side by side where no order is to be kept,
 * settled in order.
 *
 * @module
 */

import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { Delivery } from "../prepared_delivery.ts";

/** Batches of one segment that may be on their way at once. */
export const MAX_IN_FLIGHT_BATCHES = 2;

interface InFlight {
  readonly independent: boolean;
  readonly sending: Promise<unknown>;
  /** Resolves when the batch and all before it are settled; never again after a rejection. */
  readonly settled: Promise<void>;
}

/** Sends batches, and settles each only when all before it are settled. */
export class InFlightQueue {
  readonly #inFlight: InFlight[] = [];

  /**
   * Resolves when a batch may be sent: when there is room for it and, unless it and those before it
   * are independent of each other, when all before it are settled.
   *
   * Rejects, as everything later does, where one before it could not be settled.
   */
  async waitForSlot({ independent }: Delivery): Promise<void> {
    while (this.#inFlight.length > 0 && !(independent && this.#hasRoom())) {
      await this.#inFlight[0].settled;
    }
  }

  /**
   * Sends a batch whose turn it is.
   *
   * @param settle Given what the server would not have; not called when one before it was not settled.
   * @param release Called when it is over, however.
   */
  send(
    { independent, send }: Delivery,
    settle: (refused: DeadLetter[]) => Promise<void>,
    release: () => void,
  ): void {
    const before = this.#inFlight.at(-1)?.settled ?? Promise.resolve();
    const sending = send();
    sending.catch(() => {}); // Seen when it is awaited, behind the batches before it.
    const settled = before
      .then(async () => await settle(await sending))
      .then(() => void this.#inFlight.shift())
      .finally(release);
    settled.catch(() => {});
    this.#inFlight.push({ independent, sending, settled });
  }

  /** Resolves when nothing is on its way. Rejects where something could not be settled. */
  async drained(): Promise<void> {
    await this.#inFlight.at(-1)?.settled;
  }

  /** Resolves when nothing is sent or settled any more, however it ended. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#inFlight.flatMap(({ sending, settled }) => [sending, settled]));
  }

  #hasRoom(): boolean {
    return this.#inFlight.length < MAX_IN_FLIGHT_BATCHES &&
      this.#inFlight.every(({ independent }) => independent);
  }
}
