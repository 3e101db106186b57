/**
 * The last delivery: when the program has nothing left to do, or is asked to end by a signal.
 *
 * @module
 */

import type { Clock, ProcessInfo } from "../../../runtime/runtime.ts";

/** Last drains at most, of a program that records something each time that it is about to end. */
const MAX_DRAINS = 3;

/** Options of {@linkcode ExitDrain}. */
export interface ExitDrainOptions {
  readonly clock: Clock;
  readonly process: Pick<ProcessInfo, "onBeforeExit" | "onSignal">;
  /** Ms for all last drains together. */
  readonly exitDrainMs: number;
  /** Ms that requests have kept the program alive before; they belong to the first drain. */
  readonly heldMs?: (() => number) | undefined;
  /** Whether a signal is answered with a drain. */
  readonly drainOnSignal: boolean;
  /** Delivers what waits, within so many ms. Never rejects. */
  readonly drain: (timeoutMs: number) => Promise<void>;
  /** Number of records appended so far. */
  readonly appended: () => number;
}

/** Drains at the end of the program, within a time limit. */
export class ExitDrain {
  readonly #options: ExitDrainOptions;
  readonly #removers: (() => void)[] = [];
  #drains = 0;
  #spentMs = 0;
  #closed = false;

  /** Listens for the end of the program. */
  constructor(options: ExitDrainOptions) {
    this.#options = options;
    this.#await();
    const { drainOnSignal, process, drain, exitDrainMs } = options;
    if (!drainOnSignal || !process.onSignal) return;
    this.#removers.push(process.onSignal(() => drain(exitDrainMs)));
  }

  /** Stops listening. */
  close(): void {
    this.#closed = true;
    for (const remove of this.#removers) remove();
  }

  #await(): void {
    this.#removers.push(this.#options.process.onBeforeExit(() => this.#drain()));
  }

  async #drain(): Promise<void> {
    if (this.#closed) return;
    const { clock, exitDrainMs, heldMs, drain, appended } = this.#options;
    const before = appended();
    const begun = clock.monotonic();
    if (this.#drains++ === 0) this.#spentMs = heldMs?.() ?? 0;
    await drain(Math.max(0, exitDrainMs - this.#spentMs));
    this.#spentMs += clock.monotonic() - begun;
    // The program's own listeners may have recorded something meanwhile.
    const isMore = appended() > before && this.#drains < MAX_DRAINS;
    if (isMore && !this.#closed && this.#spentMs < exitDrainMs) this.#await();
  }
}
