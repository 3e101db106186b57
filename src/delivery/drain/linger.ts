/**
 * The pauses of a drain: until there are records, until there are enough of them, until it is time to
 * try again.
 *
 * @module
 */

import type { Segment } from "../../wal/segment/segment.ts";
import { Signal } from "../async/signal.ts";
import type { DrainOptions } from "./drain_options.ts";

/** Lets a drain wait, and ends its waits early. */
export class Linger {
  readonly #segment: Segment;
  readonly #options: Pick<DrainOptions, "lingerBytes" | "lingerMs">;
  readonly #signal: Signal;
  readonly #stop: AbortSignal;
  /** Offset behind which records linger; `null` if none do. Only then may an append be ignored. */
  #lingersFrom: number | null = null;
  #sendsNow = false;

  /** Makes one for the drain of `segment`, which must wake it when `stop` is aborted. */
  constructor(
    segment: Segment,
    options: Pick<DrainOptions, "clock" | "lingerBytes" | "lingerMs">,
    stop: AbortSignal,
  ) {
    this.#segment = segment;
    this.#options = options;
    this.#signal = new Signal(options.clock);
    this.#stop = stop;
  }

  /** Whether everything that is there is to be sent at once. */
  get sendsNow(): boolean {
    return this.#sendsNow;
  }

  /** Lingers no more until `caughtUp()`, and ends the wait in progress. */
  sendNow(): void {
    this.#sendsNow = true;
    this.wake();
  }

  /** Everything that was there is read: later records linger again. */
  caughtUp(): void {
    this.#sendsNow = false;
  }

  /** Ends the wait in progress. */
  wake(): void {
    this.#signal.wake();
  }

  /** Waits for an event, `ms` at most where that is given. */
  wait(ms?: number): Promise<void> {
    return this.#signal.wait(ms);
  }

  /** There may be more to read. Cheap: called at every append. */
  notify(): void {
    if (!this.#signal.waiting) return;
    const from = this.#lingersFrom;
    const { lingerBytes } = this.#options;
    const isEnough = from === null || this.#segment.end() - from >= lingerBytes;
    if (isEnough || this.#segment.isSealed()) this.wake();
  }

  /**
   * Waits for records behind `offset`, and for more if there are few.
   *
   * @param dueIn Ms until something else is to be sent.
   * @returns Whether to look again, instead of reading.
   */
  async pause(offset: number, dueIn: number | undefined): Promise<boolean> {
    if (this.#stop.aborted) return true;
    if (!this.#segment.live || this.#sendsNow) return false;
    const waiting = this.#segment.end() - offset;
    if (waiting === 0) {
      if (dueIn === 0) return false;
      await this.wait(dueIn);
      return true;
    }
    const { lingerBytes, lingerMs } = this.#options;
    if (waiting >= lingerBytes) return false;
    this.#lingersFrom = offset;
    await this.wait(lingerMs);
    this.#lingersFrom = null;
    return this.#stop.aborted;
  }
}
