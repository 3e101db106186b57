/**
 * A progress bar for work measured in bytes. Without a terminal, nothing is drawn.
 *
 * @module
 */

import type { SingleBar } from "cli-progress";
import type { Clock } from "../../runtime/runtime.ts";
import { formatBytes, formatDuration } from "./format.ts";
import { progressLine } from "./progress_line.ts";
import type { Terminal } from "./terminal.ts";

/** A progress bar. */
export interface Progress {
  /** Sets the progress in bytes, and the total. */
  update(done: number, total: number, note?: ProgressNote): void;
  /** Hides the bar for other lines on the terminal; it returns after a pause in them. */
  hide(): void;
  /** Removes the bar. */
  stop(): void;
}

/** Text after the bytes. */
export interface ProgressNote {
  /** Text instead of the rate and the remaining time. */
  readonly trouble?: string;
  readonly text?: string;
  /** Text after that, if there is room. */
  readonly more?: string;
}

/**
 * When to show a bar: for `large` work, `always`, or for large work if nothing else was written for
 * a while (`quiet`).
 */
export type When = "large" | "always" | "quiet";

/** Work with fewer bytes is done too fast for a bar. */
const PROGRESS_MIN_BYTES = 64 * 1024 * 1024;
/** Length in ms of the period over which a rate is measured. */
const RATE_WINDOW_MS = 5_000;
/** Ms without other lines after which a hidden bar returns. */
const QUIET_MS = 500;

const NONE: Progress = { update: () => {}, hide: () => {}, stop: () => {} };

/**
 * Starts a progress bar on standard error.
 *
 * @param label Description of the work, such as `Reading`.
 */
export async function beginProgress(
  { err }: Terminal,
  clock: Clock,
  label: string,
  total: number,
  when: When = "large",
): Promise<Progress> {
  if (!err.isTerminal || (when !== "always" && total < PROGRESS_MIN_BYTES)) return NONE;
  const { default: cliProgress } = await import("cli-progress");
  const bar: SingleBar = new cliProgress.SingleBar({
    stream: err.stream,
    format: (_options, { progress }, { parts, more }) =>
      progressLine({ label, share: progress, parts, more }, err.columns ?? 80),
    clearOnComplete: true,
    hideCursor: true,
    fps: 8,
    // The command itself listens for signals.
    gracefulExit: false,
  });
  const rate = new Rate(clock);
  let hiddenAt: number | null = null;
  const show = (done: number, ofTotal: number, payload: Payload): void => {
    hiddenAt = null;
    bar.start(Math.max(1, ofTotal), Math.min(done, ofTotal), payload);
  };
  if (when === "quiet") hiddenAt = clock.monotonic();
  else show(0, total, { parts: [`${formatBytes(0)} of ${formatBytes(total)}`, "…"], more: "" });
  return {
    update(done, newTotal, note) {
      const payload = payloadOf(done, newTotal, rate.at(done), note);
      if (hiddenAt !== null) {
        if (clock.monotonic() - hiddenAt >= QUIET_MS) show(done, newTotal, payload);
        return;
      }
      bar.setTotal(Math.max(1, newTotal));
      bar.update(Math.min(done, newTotal), payload);
    },
    hide() {
      if (hiddenAt === null) bar.stop();
      hiddenAt = clock.monotonic();
    },
    stop() {
      if (hiddenAt === null) bar.stop();
    },
  };
}

interface Payload {
  readonly parts: readonly string[];
  readonly more: string;
}

function payloadOf(
  done: number,
  total: number,
  perSecond: number,
  { trouble, text, more = "" }: ProgressNote = {},
): Payload {
  const left = perSecond > 0
    ? `${formatDuration(((total - done) / perSecond) * 1_000)} left`
    : "waiting";
  const bytes = `${formatBytes(done)} of ${formatBytes(total)}`;
  const pace = trouble === undefined ? [bytes, `${formatBytes(perSecond)}/s`, left] : [
    bytes,
    trouble,
  ];
  return { parts: text === undefined ? pace : [...pace, text], more };
}

/** Growth rate over the last seconds. */
export class Rate {
  readonly #clock: Clock;
  #samples: { at: number; value: number }[] = [];

  /** Creates a rate without samples. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds the current value; returns its growth per second. */
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
