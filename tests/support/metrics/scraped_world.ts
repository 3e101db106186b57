/**
 * Programs on a simulated disk with a virtual clock, whose metrics are scraped every
 * minute as by Prometheus, and the resulting alerts.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { WalEvent } from "../../../src/client/pipeline/status/events.ts";
import type { Pipeline, PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { statusMetrics } from "../../../src/cli/metrics/status_metrics.ts";
import { StatusReporter } from "../../../src/cli/status/state/directory_status.ts";
import type { StatusReport } from "../../../src/cli/status/report.ts";
import { projectPath } from "../cli/cli_support.ts";
import type { MemoryRuntime } from "../simulated_runtime/memory.ts";
import { LogWorld, WAL } from "../wal/wal_fixture.ts";
import { promtool } from "./promtool.ts";

const MINUTE = 60_000;

/** The alert rules of the documentation. */
export const RULES: string = projectPath("docs/operations/prometheus/alerts.yaml");

/** A world whose metrics are scraped. */
export class ScrapedWorld {
  readonly world: LogWorld = new LogWorld();
  readonly #begun: number = this.world.clock.now();
  readonly #scrapes: Map<string, number>[] = [];
  readonly #reporter: StatusReporter;
  /** Events of all programs, except informational ones. */
  readonly events: WalEvent[] = [];
  #calls = 0;

  constructor() {
    this.world.server.limit = Infinity;
    this.#reporter = new StatusReporter(this.world.process(), WAL, {});
  }

  /** Starts a program with a log. */
  start(changes: Partial<PipelineOptions> = {}): { pipeline: Pipeline; runtime: MemoryRuntime } {
    const runtime = this.world.process();
    const onEvent = (event: WalEvent): void => {
      if (event.level === "warn" || event.level === "error") this.events.push(event);
    };
    return {
      runtime,
      pipeline: openPipeline(this.world.options(runtime, { onEvent, ...changes })),
    };
  }

  /** Records a call that starts now. */
  append(pipeline: Pipeline): void {
    const id = `c${this.#calls++}`;
    const started_at = new Date(this.world.clock.now()).toISOString();
    const call = { project_id: "team/project", id, trace_id: id, op_name: "answer", started_at };
    pipeline.append(
      "call_start",
      JSON.stringify({ start: { ...call, attributes: {}, inputs: {} } }),
    );
  }

  /** Lets time pass, with a scrape at the end of each minute. */
  async pass(minutes: number, eachMinute: () => void = () => {}): Promise<void> {
    for (let minute = 0; minute < minutes; minute++) {
      eachMinute();
      await this.world.clock.elapse(MINUTE);
      const text = statusMetrics(await this.report()).text("prometheus");
      const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      this.#scrapes.push(
        new Map(lines.map((line) => {
          const space = line.lastIndexOf(" ");
          return [line.slice(0, space), this.#sinceBegin(line, Number(line.slice(space + 1)))];
        })),
      );
    }
  }

  /** The current report of `weave-wal status`. */
  report(): Promise<StatusReport> {
    return this.#reporter.report();
  }

  /** Asserts which alerts fire at the end, as evaluated by promtool. */
  assertFiring(...alerts: readonly string[]): void {
    const series = [...new Set(this.#scrapes.flatMap((scrape) => [...scrape.keys()]))];
    assertFiring(
      series.map((name) => ({
        series: name,
        values: this.#scrapes.map((scrape) => scrape.get(name) ?? "_").join(" "),
      })),
      this.#scrapes.length - 1,
      alerts,
    );
  }

  /** In promtool's rule tests, time begins at 0. */
  #sinceBegin(series: string, value: number): number {
    return series.includes("_timestamp_seconds{") ? value - this.#begun / 1_000 - 60 : value;
  }
}

/** Fails unless exactly these alerts fire after this many minutes. */
export function assertFiring(
  series: readonly { readonly series: string; readonly values: string }[],
  minutes: number,
  alerts: readonly string[],
): void {
  const directory = mkdtempSync(join(tmpdir(), "weave-wal-rules-"));
  const file = join(directory, "test.yaml");
  const check = {
    expr: 'group by (alertname) (ALERTS{alertstate="firing"})',
    eval_time: `${minutes}m`,
    exp_samples: alerts.map((name) => ({ labels: `{alertname="${name}"}`, value: 1 })),
  };
  try {
    writeFileSync(
      file,
      JSON.stringify({
        rule_files: [RULES],
        evaluation_interval: "1m",
        tests: [{ interval: "1m", input_series: series, promql_expr_test: [check] }],
      }),
    );
    promtool(["test", "rules", file]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
