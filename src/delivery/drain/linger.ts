/**
 * Pauses of a drain: until there are records, until there are enough of them, or until the next
 * attempt.
 * @module
 */

import type { Segment } from "../../wal/segment/segment.ts";
import { Signal } from "../async/signal.ts";
import type { DrainOptions } from "./drain_options.ts";

/** Makes a drain wait, and ends its waits early. */
export class Linger {
  readonly #segment: Segment;
  readonly #options: Pick<DrainOptions, "lingerBytes" | "lingerMs">;
  readonly #signal: Signal;
  readonly #stop: AbortSignal;
  /**
   * Offset after which records linger; `null` if none do. Only while records linger may an append
   * be ignored.
   */
  #lingersFrom: number | null = null;
  #sendsNow = false;

  /**
   * Creates the pauses of the drain of `segment`, which must call `wake` when `stop` is aborted.
   */
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

  /** Whether all current records are to be sent at once. */
  get sendsNow(): boolean {
    return this.#sendsNow;
  }

  /** Stops lingering until `caughtUp()`, and ends the current wait. */
  sendNow(): void {
    this.#sendsNow = true;
    this.wake();
  }

  /** Resumes lingering: all current records have been read. */
  caughtUp(): void {
    this.#sendsNow = false;
  }

  /** Ends the current wait. */
  wake(): void {
    this.#signal.wake();
  }

  /** Waits for an event, for at most `ms` if given. */
  wait(ms?: number): Promise<void> {
    return this.#signal.wait(ms);
  }

  /** Announces new records. Cheap: called at every append. */
  notify(): void {
    if (!this.#signal.waiting) return;
    const from = this.#lingersFrom;
    const { lingerBytes } = this.#options;
    const isEnough = from === null || this.#segment.end() - from >= lingerBytes;
    if (isEnough || this.#segment.isSealed()) this.wake();
  }

  /**
   * Waits for records after `offset`, and lingers if there are few.
   * @param dueIn Ms until something else must be sent.
   * @returns Whether to check again instead of reading.
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
