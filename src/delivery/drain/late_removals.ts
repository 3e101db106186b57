/**
 * Segments whose records are all settled, and whose files cannot be removed while the disk fails.
 * The segments after them need not wait.
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import { Signal } from "../async/signal.ts";
import type { Drain, DrainEnd } from "./drain.ts";
import { DISK_RETRY_MS } from "./drain_options.ts";

/** Removes segments when the disk works again. */
export class LateRemovals {
  readonly #clock: Clock;
  /** The drains of segments that are not removed yet. */
  readonly #waits = new Map<Drain, Signal>();
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether every segment is removed. */
  get isEmpty(): boolean {
    return this.#waits.size === 0;
  }

  /**
   * Removes the segment of a drain that is over. `lost`: another sender has taken it over; `stopped`:
   * it is still there. Never rejects.
   */
  async run(drain: Drain): Promise<DrainEnd> {
    const wait = new Signal(this.#clock);
    this.#waits.set(drain, wait);
    while (!this.#stopped) {
      await wait.wait(DISK_RETRY_MS);
      const end = await drain.remove();
      if (drain.isSettled && end !== "complete") continue;
      this.#waits.delete(drain);
      return end;
    }
    return "stopped";
  }

  /** Makes a last attempt to remove each segment. */
  stop(): void {
    this.#stopped = true;
    for (const wait of this.#waits.values()) wait.wake();
  }
}
