/**
 * The names of the segments that one log writes, in order.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import { formatStem } from "./segment_name.ts";

/** Names segments by the time at which they begin. */
export class SegmentSequence {
  readonly #clock: Clock;
  readonly #writer: string;
  /**
   * Time of the last name, epoch ns: each is later than the one before, whatever the clock does.
   */
  #last = 0n;

  /** Begins a sequence of the writer with this token. */
  constructor(clock: Clock, writer: string) {
    this.#clock = clock;
    this.#writer = writer;
  }

  /** Returns the next name, and the time of the one before it; 0 if there is none. */
  next(): { readonly stem: string; readonly before: bigint } {
    const before = this.#last;
    const now = BigInt(Math.round(this.#clock.now() * 1_000)) * 1_000n;
    // Whole microseconds: the values in between are reserved for closing segments.
    this.#last = now > before ? now : before + 1_000n;
    return { stem: formatStem(this.#last, this.#writer).stem, before };
  }
}
