/**
 * Creates reports on all logs for any number of open pages: one at a time, and at a frequency that
 * does not load the machine.
 *
 * @module
 */

import type { Runtime } from "../../../runtime/runtime.ts";
import type { SegmentState } from "../../../wal/orphans/segment_status.ts";
import { endingOf } from "../../exit_codes.ts";
import { hasLogs, type LogFilter } from "../../logs/projects.ts";
import { Flow } from "../../status/state/flow.ts";
import { StatusReporter } from "../../status/state/directory_status.ts";
import { type AdviceOptions, adviseOn } from "../../status/advice.ts";
import { Rate } from "../../terminal/progress.ts";
import type { ReportView, Sample } from "../api_types.ts";
import { reportView } from "./status_view.ts";

/** Minimum ms between two reports. */
const MIN_INTERVAL_MS = 1_000;
/** Maximum fraction of the time spent on reports. */
const MAX_SHARE = 0.2;
/** Maximum ms for which a request waits for a report in progress. */
const WAIT_MS = 400;
/** Maximum number of samples: a quarter of an hour at one per second. */
const MAX_SAMPLES = 900;

/** Options for {@linkcode StatusFeed}. */
export interface FeedOptions {
  readonly runtime: Runtime;
  /** Root directory of all logs. */
  readonly root: string;
  readonly filter: LogFilter;
  readonly advice: AdviceOptions;
  /** Aborted when the command ends. */
  readonly stop: AbortSignal;
}

/** Creates reports on request. */
export class StatusFeed {
  readonly #options: FeedOptions;
  readonly #reporter: StatusReporter;
  #flow: Flow;
  #states: ReadonlyMap<string, readonly SegmentState[]> = new Map();
  #report: ReportView | null = null;
  #samples: Sample[] = [];
  #making: Promise<void> | null = null;
  #nextAt = -Infinity;
  #error: string | null = null;
  #progress: { done: number; total: number } | null = null;

  /** Creates a feed without a report. */
  constructor(options: FeedOptions) {
    const { runtime, root, filter, stop } = options;
    this.#options = options;
    this.#flow = new Flow(runtime.clock, () => new Rate(runtime.clock));
    this.#reporter = new StatusReporter(runtime, root, filter, (done, total) => {
      stop.throwIfAborted();
      this.#progress = { done, total };
    });
  }

  /** The last report; `null` before the first. */
  get report(): ReportView | null {
    return this.#report;
  }

  /** Why the last report failed; `null` if it did not. */
  get error(): string | null {
    return this.#error;
  }

  /** Progress of the report that is being made, in segments; `null` if none is. */
  get progress(): { done: number; total: number } | null {
    return this.#making === null ? null : this.#progress;
  }

  /** Returns the samples after `since`, epoch ms. */
  samples(since: number): readonly Sample[] {
    return this.#samples.filter(({ at }) => at > since);
  }

  /**
   * Returns the segments of a project in the last report, oldest first; `null` if it is not
   * included.
   */
  async states(directory: string): Promise<readonly SegmentState[] | null> {
    if (this.#report === null) {
      this.#begin();
      await this.#making;
    }
    return this.#states.get(directory) ?? null;
  }

  /** Creates a report if one is due, and briefly waits for it. */
  async refresh(): Promise<void> {
    const { clock } = this.#options.runtime;
    this.#begin();
    if (this.#making === null) return;
    let timer: { cancel(): void } | undefined;
    const late = new Promise<void>((resolve) => timer = clock.after(WAIT_MS, resolve));
    await Promise.race([this.#making, late]);
    timer?.cancel();
  }

  #begin(): void {
    if (this.#making !== null || this.#options.runtime.clock.monotonic() < this.#nextAt) return;
    this.#making = this.#make().finally(() => this.#making = null);
  }

  async #make(): Promise<void> {
    const { runtime, root, advice } = this.#options;
    const { clock } = runtime;
    const begun = clock.monotonic();
    this.#progress = null;
    try {
      const isThere = hasLogs(runtime, root);
      // Records that were deleted with the directory do not count as delivered.
      if (!isThere) this.#flow = new Flow(clock, () => new Rate(clock));
      const report = await this.#reporter.report();
      const rates = await this.#flow.update(report);
      this.#states = new Map(report.projects.map(({ directory, segments }) => [
        directory,
        segments.map(({ state }) => state),
      ]));
      this.#report = reportView(report, adviseOn(report, advice), rates, isThere);
      this.#error = null;
      this.#sample(this.#report, [...rates.values()]);
    } catch (error) {
      const { message, hint } = endingOf(error);
      this.#error = [message ?? "The command is ending", hint].filter(Boolean).join(". ");
    }
    const took = clock.monotonic() - begun;
    this.#nextAt = begun + Math.max(MIN_INTERVAL_MS, took / MAX_SHARE);
  }

  #sample({ at, totals }: ReportView, rates: readonly { written: number; sent: number }[]): void {
    this.#samples.push({
      at,
      pendingBytes: totals.pendingBytes,
      written: rates.reduce((sum, { written }) => sum + written, 0),
      sent: rates.reduce((sum, { sent }) => sum + sent, 0),
    });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
  }
}
