/**
 * Creates reports on all logs for any number of open pages: one at a time, and at a frequency that
 * does not load the machine.
 *
 * @module
 */

import type { Clock } from "../../../runtime/runtime.ts";
import { endingOf } from "../../exit_codes.ts";
import type { LogPart } from "../../logs/log_part.ts";
import type { LogStore } from "../../logs/log_store.ts";
import type { LogFilter } from "../../logs/projects.ts";
import { Flow } from "../../status/state/flow.ts";
import type { ProjectReport, StatusSource } from "../../status/report.ts";
import type { FlowRate } from "../../status/render.ts";
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
  readonly clock: Clock;
  readonly store: LogStore;
  readonly filter: LogFilter;
  readonly advice: AdviceOptions;
  /** Aborted when the command ends. */
  readonly stop: AbortSignal;
}

/** Creates reports on request. */
export class StatusFeed {
  readonly #options: FeedOptions;
  readonly #source: StatusSource;
  #flow: Flow;
  /** The projects of the last report, by directory. */
  #projects: ReadonlyMap<string, ProjectReport> = new Map();
  #report: ReportView | null = null;
  #samples: Sample[] = [];
  #making: Promise<void> | null = null;
  #nextAt = -Infinity;
  #error: string | null = null;
  #progress: { done: number; total: number } | null = null;

  /** Creates a feed without a report. */
  constructor(options: FeedOptions) {
    const { clock, store, filter, stop } = options;
    this.#options = options;
    this.#flow = new Flow(clock, () => new Rate(clock));
    this.#source = store.status(filter, (done, total) => {
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

  /** Returns whether the last report includes a project. */
  async has(directory: string): Promise<boolean> {
    return await this.#project(directory) !== undefined;
  }

  /**
   * Returns the parts of a project in the last report, oldest first; `null` if it is not included.
   *
   * @param name Only the part with this name.
   */
  async parts(directory: string, name?: string): Promise<readonly LogPart[] | null> {
    return await (await this.#project(directory))?.parts(name) ?? null;
  }

  /** Creates a report if one is due, and briefly waits for it. */
  async refresh(): Promise<void> {
    const { clock } = this.#options;
    this.#begin();
    if (this.#making === null) return;
    let timer: { cancel(): void } | undefined;
    const late = new Promise<void>((resolve) => timer = clock.after(WAIT_MS, resolve));
    await Promise.race([this.#making, late]);
    timer?.cancel();
  }

  async #project(directory: string): Promise<ProjectReport | undefined> {
    if (this.#report === null) {
      this.#begin();
      await this.#making;
    }
    return this.#projects.get(directory);
  }

  #begin(): void {
    if (this.#making !== null || this.#options.clock.monotonic() < this.#nextAt) return;
    this.#making = this.#make().finally(() => this.#making = null);
  }

  async #make(): Promise<void> {
    const { clock, store, advice } = this.#options;
    const begun = clock.monotonic();
    this.#progress = null;
    try {
      const isThere = store.isThere();
      // Records that were deleted with the directory do not count as delivered.
      if (!isThere) this.#flow = new Flow(clock, () => new Rate(clock));
      const report = await this.#source.report();
      // A stream does not tell what was written and sent between two reports.
      const rates = report.unit === "file" ? await this.#flow.update(report) : null;
      this.#projects = new Map(report.projects.map((project) => [project.directory, project]));
      this.#report = reportView(report, adviseOn(report, advice), rates, isThere);
      this.#error = null;
      this.#sample(this.#report, rates);
    } catch (error) {
      const { message, hint } = endingOf(error);
      this.#error = [message ?? "The command is ending", hint].filter(Boolean).join(". ");
    }
    const took = clock.monotonic() - begun;
    // A report that failed may have waited for servers that are unreachable.
    this.#nextAt = this.#error === null
      ? begun + Math.max(MIN_INTERVAL_MS, took / MAX_SHARE)
      : begun + took + MIN_INTERVAL_MS;
  }

  #sample({ at, totals }: ReportView, rates: ReadonlyMap<string, FlowRate> | null): void {
    const total = (of: (rate: FlowRate) => number): number | null =>
      rates && [...rates.values()].reduce((sum, rate) => sum + of(rate), 0);
    this.#samples.push({
      at,
      pendingBytes: totals.pendingBytes,
      written: total(({ written }) => written),
      sent: total(({ sent }) => sent),
    });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
  }
}
