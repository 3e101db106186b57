/**
 * A bar on the terminal for work that is measured in bytes. Where nobody watches, nothing is drawn.
 *
 * @module
 */

import type { SingleBar } from "cli-progress";
import type { Clock } from "../runtime/runtime.ts";
import { formatBytes, formatDuration } from "./format.ts";
import type { Terminal } from "./terminal.ts";

/** A bar. */
export interface Progress {
  /** Says how far the work is, in bytes, and of how many. */
  update(done: number, total: number, note?: string): void;
  /** Takes the bar away. */
  stop(): void;
}

/** Below this, reading is over before a bar could be read. */
const WORTH_A_BAR = 64 * 1024 * 1024;
/** Ms of the past that a rate is measured over. */
const RATE_WINDOW_MS = 5_000;

const NONE: Progress = { update: () => {}, stop: () => {} };

/**
 * Begins a bar on standard error.
 *
 * @param label What is going on, such as `Reading`.
 * @param always Also for work that is over in a moment.
 */
export async function beginProgress(
  { err }: Terminal,
  clock: Clock,
  label: string,
  total: number,
  always: boolean = false,
): Promise<Progress> {
  if (!err.isTerminal || (!always && total < WORTH_A_BAR)) return NONE;
  const { default: cliProgress } = await import("cli-progress");
  const bar: SingleBar = new cliProgress.SingleBar({
    stream: err.stream,
    format:
      `${label} {bar} {percentage}% · {doneText} of {totalText} · {rateText}/s · {leftText}{note}`,
    barsize: 24,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    clearOnComplete: true,
    hideCursor: true,
    fps: 8,
    // The command itself listens for signals.
    gracefulExit: false,
  });
  const rate = new Rate(clock);
  bar.start(Math.max(1, total), 0, {
    doneText: formatBytes(0),
    totalText: formatBytes(total),
    rateText: "…",
    leftText: "…",
    note: "",
  });
  return {
    update(done, newTotal, note) {
      const perSecond = rate.at(done);
      bar.setTotal(Math.max(1, newTotal));
      bar.update(Math.min(done, newTotal), {
        doneText: formatBytes(done),
        totalText: formatBytes(newTotal),
        rateText: formatBytes(perSecond),
        leftText: perSecond > 0
          ? `${formatDuration(((newTotal - done) / perSecond) * 1_000)} left`
          : "waiting",
        note: note ? ` · ${note}` : "",
      });
    },
    stop: () => bar.stop(),
  };
}

/** How fast something grows, over the last seconds. */
export class Rate {
  readonly #clock: Clock;
  #samples: { at: number; value: number }[] = [];

  /** Makes a rate that has seen nothing. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes in the value as it is now; returns its growth a second. */
  at(value: number): number {
    const at = this.#clock.monotonic();
    this.#samples.push({ at, value });
    while (this.#samples.length > 2 && at - this.#samples[1].at >= RATE_WINDOW_MS) {
      this.#samples.shift();
    }
    const first = this.#samples[0];
    return at > first.at ? Math.max(0, (value - first.value) / (at - first.at)) * 1_000 : 0;
  }
}
