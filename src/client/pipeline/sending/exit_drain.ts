/**
 * The final delivery, when the program has nothing left to do or a signal asks it to end.
 *
 * @module
 */

import type { Clock, ProcessInfo } from "../../../runtime/runtime.ts";
import { runAsLoaded } from "../../server/outside.ts";

/**
 * Maximum number of final drains, for a program that records something each time it is about to
 * end.
 */
const MAX_DRAINS = 3;

/** Options for {@linkcode ExitDrain}. */
export interface ExitDrainOptions {
  readonly clock: Clock;
  readonly process: Pick<ProcessInfo, "onBeforeExit" | "onSignal">;
  /** Total ms for all final drains. */
  readonly exitDrainMs: number;
  /** Ms for which requests already kept the program alive; they count towards the first drain. */
  readonly heldMs?: (() => number) | undefined;
  /** Drains on a signal. */
  readonly drainOnSignal: boolean;
  /** Delivers pending records within this many ms. Never rejects. */
  readonly drain: (timeoutMs: number) => Promise<void>;
  /** Returns the number of records appended so far. */
  readonly appended: () => number;
}

/** Drains at the end of the program, within a time limit. */
export class ExitDrain {
  readonly #options: ExitDrainOptions;
  readonly #removers: (() => void)[] = [];
  #drains = 0;
  #spentMs = 0;
  #closed = false;

  /** Starts listening for the end of the program. */
  constructor(options: ExitDrainOptions) {
    this.#options = options;
    this.#await();
    const { drainOnSignal, process, drain, exitDrainMs } = options;
    if (!drainOnSignal || !process.onSignal) return;
    this.#removers.push(runAsLoaded(() => process.onSignal!(() => drain(exitDrainMs))));
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
