/**
 * The time of a run: timers fire in order, and nothing waits for them.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { SimContext } from "./context.ts";

/** Timers that may fire in one run; more means that it goes in circles. */
const MAX_EVENTS = 100_000;

/** Lets the time of a run pass. */
export class VirtualTime {
  readonly #context: SimContext;
  readonly #onSettled: () => void;
  #events = 0;

  /** @param onSettled Called when everything that could happen without a timer has happened. */
  constructor(context: SimContext, onSettled: () => void) {
    this.#context = context;
    this.#onSettled = onSettled;
  }

  /** Lets `ms` pass, or less when `until` comes true. */
  async pass(ms: number, until: () => boolean): Promise<void> {
    const { clock, violate } = this.#context;
    const end = clock.monotonic() + ms;
    await this.settle();
    while (!until()) {
      const next = clock.next;
      if (next === undefined || clock.monotonic() + next > end) {
        clock.advance(end - clock.monotonic());
        return;
      }
      if (++this.#events > MAX_EVENTS) return violate("spins", `${MAX_EVENTS} timers`);
      clock.runNext();
      await this.settle();
    }
  }

  /** Lets promises settle. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    this.#onSettled();
  }
}
