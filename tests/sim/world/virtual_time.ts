/**
 * Virtual time: timers fire in order, without waiting.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { SimContext } from "./context.ts";

/** Maximum number of timers per run; more indicate an endless loop. */
const MAX_EVENTS = 100_000;

/** Advances the time of a run. */
export class VirtualTime {
  readonly #context: SimContext;
  readonly #onSettled: () => void;
  #events = 0;

  /** @param onSettled Called when everything that can happen without a timer has happened. */
  constructor(context: SimContext, onSettled: () => void) {
    this.#context = context;
    this.#onSettled = onSettled;
  }

  /** Advances by `ms`, or until `until` is true. */
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

  /** Waits until promises have settled. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    this.#onSettled();
  }
}
