/**
 * Removes segments whose records are all settled. If the disk prevents it, the segments after them
 * need not wait.
 * @module
 */

import { hasCode } from "../../errors.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { Segment } from "../../wal/segment/segment.ts";
import { Signal } from "../async/signal.ts";
import { DISK_RETRY_MS, type DrainOptions } from "./drain_options.ts";
import { endOf } from "./drain_progress.ts";

/** Result of a removal. `lost`: another sender has taken over the segment; `failed`: a disk error. */
export type Removal = "complete" | "lost" | "failed";

type RemovalOptions = Pick<DrainOptions, "onComplete" | "onTrouble">;

/** Removes a segment, which is drained to its end; again if that has failed. Never rejects. */
export async function removeSegment(
  segment: Segment,
  { onComplete, onTrouble }: RemovalOptions,
): Promise<Removal> {
  try {
    await segment.beforeComplete?.();
    segment.complete();
    await segment.settled?.();
  } catch (error) {
    if (hasCode(error, "ERR_LEASE_LOST")) return "lost";
    onTrouble("drain", error);
    return "failed";
  }
  onComplete(endOf(segment) ?? 0);
  return "complete";
}

/** Removes segments when the disk works again. */
export class LateRemovals {
  readonly #clock: Clock;
  readonly #options: RemovalOptions;
  /** Segments that are not removed yet. */
  readonly #waits = new Map<Segment, Signal>();
  #stopped = false;

  constructor(clock: Clock, options: RemovalOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Whether every segment is removed. */
  get isEmpty(): boolean {
    return this.#waits.size === 0;
  }

  /** Removes a segment; `failed` if the sender is stopped first. Never rejects. */
  async run(segment: Segment): Promise<Removal> {
    const wait = new Signal(this.#clock);
    this.#waits.set(segment, wait);
    while (!this.#stopped) {
      await wait.wait(DISK_RETRY_MS);
      const removal = await removeSegment(segment, this.#options);
      if (removal === "failed") continue;
      this.#waits.delete(segment);
      return removal;
    }
    return "failed";
  }

  /** Makes a last attempt to remove each segment. */
  stop(): void {
    this.#stopped = true;
    for (const wait of this.#waits.values()) wait.wake();
  }
}
