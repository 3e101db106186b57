/**
 * Batches of one segment in flight: sent concurrently if order does not matter, settled in order.
 * @module
 */

import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { Delivery } from "../prepared_delivery.ts";

/** Maximum number of batches of one segment in flight. */
export const MAX_IN_FLIGHT_BATCHES = 2;

interface InFlight {
  readonly delivery: Delivery;
  readonly sending: Promise<unknown>;
  /** Resolves when this batch and all earlier ones are settled; never again after a rejection. */
  readonly settled: Promise<void>;
}

/** Sends batches, and settles each only after all earlier ones. */
export class InFlightQueue {
  readonly #inFlight: InFlight[] = [];

  /**
   * Resolves when a batch may be sent: when there is room for it and, unless it and the earlier
   * batches are independent, when all earlier ones are settled. Rejects, like all later calls, if
   * an earlier batch could not be settled.
   */
  async waitForSlot({ independent }: Delivery): Promise<void> {
    while (this.#inFlight.length > 0 && !(independent && this.#hasRoom())) {
      await this.#inFlight[0].settled;
    }
  }

  /**
   * Sends a batch whose turn it is.
   * @param settle Called with the records that the server rejected, unless an earlier batch was not
   * settled.
   * @param release Called when the batch has ended, in any case.
   */
  send(
    delivery: Delivery,
    settle: (refused: DeadLetter[]) => Promise<void>,
    release: () => void,
  ): void {
    const before = this.#inFlight.at(-1)?.settled ?? Promise.resolve();
    const sending = delivery.send();
    sending.catch(() => {}); // Handled when it is awaited, after the batches before it.
    const settled = before
      .then(async () => await settle(await sending))
      .then(() => void this.#inFlight.shift())
      .finally(release);
    settled.catch(() => {});
    this.#inFlight.push({ delivery, sending, settled });
  }

  /** Resolves when nothing is in flight. Rejects if something could not be settled. */
  async drained(): Promise<void> {
    await this.#inFlight.at(-1)?.settled;
  }

  /** Resolves when all sending and settling has ended, successfully or not. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#inFlight.flatMap(({ sending, settled }) => [sending, settled]));
  }

  /** Byte offsets of delivered lines in batches that are not settled. */
  get delivered(): number[] {
    return this.#inFlight.flatMap(({ delivery }) => delivery.delivered());
  }

  #hasRoom(): boolean {
    return this.#inFlight.length < MAX_IN_FLIGHT_BATCHES &&
      this.#inFlight.every(({ delivery }) => delivery.independent);
  }
}
