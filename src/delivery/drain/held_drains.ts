/**
 * Drains that have sent their segments and hold ends whose starts are in other logs. The segments
 * after these are drained meanwhile.
 * @module
 */

import type { Drain, DrainEnd } from "./drain.ts";

/** Maximum number of these drains: each has an open file. */
const MAX_HELD_DRAINS = 16;

/** Drains that hold ends, oldest first. */
export class HeldDrains {
  readonly #drains = new Set<Drain>();

  /** All of them. */
  get all(): readonly Drain[] {
    return [...this.#drains];
  }

  /**
   * Runs a drain until it ends, or until it only holds ends (`"holding"`): it is then one of these
   * drains until it ends. If there are too many, it is run to its end.
   */
  async run(drain: Drain): Promise<DrainEnd | "holding"> {
    if (this.#drains.size >= MAX_HELD_DRAINS) return await drain.run();
    const end = await drain.runUntilHolding();
    if (end === "holding") {
      this.#drains.add(drain);
      void drain.run().then(() => this.#drains.delete(drain));
    }
    return end;
  }
}
