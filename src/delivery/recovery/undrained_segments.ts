/**
 * Orphaned segments of a directory that this process does not drain now.
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import type { ListedSegment } from "../../wal/orphans/directory_listing.ts";
import type { CountBudget } from "../../wal/segment/pending_count.ts";
import { sumWaiting, type Waiting, WaitingCounter } from "../../wal/segment/waiting_counter.ts";

/** Keeps lists of them, oldest first, and counts their pending records. */
export class UndrainedSegments {
  /**
   * Segments without a drain: newly found, or kept for the next scan because the server or the disk
   * prevents their delivery now.
   */
  blocked: readonly ListedSegment[] = [];
  /** Segments that wait for an open one before them, of the same log, that is being drained. */
  behind: readonly ListedSegment[] = [];
  /** Segments that another process sends. */
  elsewhere: readonly ListedSegment[] = [];
  readonly #counter: WaitingCounter;
  readonly #counterElsewhere: WaitingCounter;

  constructor(runtime: Runtime) {
    this.#counter = new WaitingCounter(runtime);
    this.#counterElsewhere = new WaitingCounter(runtime);
  }

  /**
   * Counts the pending records that this process has to send; for `all`, also those that another
   * process sends.
   * @param waiting Segments that follow those in a drain.
   */
  async pending(
    waiting: readonly ListedSegment[],
    scope: "held" | "all",
    budget: CountBudget,
  ): Promise<Waiting> {
    const own = await this.#counter.count(this.#listed(waiting), budget);
    if (scope === "held") return own;
    return sumWaiting([own, await this.#counterElsewhere.count(this.elsewhere, budget)]);
  }

  /**
   * Returns when the oldest of all these records was written, epoch ms; `null` if there is none.
   * @param waiting Segments that follow those in a drain.
   */
  async oldestPending(waiting: readonly ListedSegment[]): Promise<number | null> {
    const own = await this.#counter.oldest(this.#listed(waiting));
    const elsewhere = await this.#counterElsewhere.oldest(this.elsewhere);
    return earliest([own, elsewhere]);
  }

  #listed(waiting: readonly ListedSegment[]): readonly ListedSegment[] {
    const others = this.blocked.length > 0 ? this.blocked : waiting;
    return this.behind.length > 0 ? [...others, ...this.behind] : others;
  }
}

/** Returns the earliest of several times, epoch ms; `null` if there is none. */
export function earliest(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}
