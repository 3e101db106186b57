/**
 * Samples of metrics, and their text formats: OpenMetrics and the older Prometheus format.
 *
 * @module
 */

import type { Metric } from "./metric_list.ts";

/**
 * Text formats of metrics.
 *
 * @example
 * ```ts
 * import { init, type MetricsFormat } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const format: MetricsFormat = "prometheus";
 * if (typeof await client.metrics(format) !== "string") throw new Error();
 * ```
 */
export type MetricsFormat = "openmetrics" | "prometheus";

/** The content type of each format. */
export const CONTENT_TYPES: Readonly<Record<MetricsFormat, string>> = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
};

/** Returns the format that a scraper's `Accept` header asks for. */
export function formatFor(accept: string | null | undefined): MetricsFormat {
  return accept?.includes("application/openmetrics-text") ? "openmetrics" : "prometheus";
}

/** Values of metrics at one point in time. */
export class MetricSamples {
  readonly #values = new Map<Metric, Map<string, number>>();

  /** Adds to a sample; `labels` are the values of the metric's labels, in order. */
  add(metric: Metric, labels: readonly string[], value: number): void {
    if (!Number.isFinite(value)) return;
    const samples = this.#values.get(metric) ?? new Map<string, number>();
    this.#values.set(metric, samples);
    const key = labelText(metric.labels, labels);
    samples.set(key, (samples.get(key) ?? 0) + value);
  }

  /** Sets a time, given in epoch ms; does nothing if it is `null`. */
  time(metric: Metric, labels: readonly string[], ms: number | null): void {
    if (ms === null) return;
    this.#values.get(metric)?.delete(labelText(metric.labels, labels));
    this.add(metric, labels, ms / 1_000);
  }

  /** Returns the samples as text: each metric with its type, unit and help. */
  text(format: MetricsFormat): string {
    const lines = [...this.#values].flatMap(([metric, samples]) => [
      ...metadata(metric, format),
      ...[...samples].map(([labels, value]) => `${metric.name}${labels} ${value}`),
    ]);
    return `${[...lines, ...(format === "openmetrics" ? ["# EOF"] : [])].join("\n")}\n`;
  }
}

/**
 * OpenMetrics names the metric family; Prometheus names the sample, and has no units and no `info`.
 */
function metadata({ name, type, unit, help }: Metric, format: MetricsFormat): string[] {
  if (format === "prometheus") {
    return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type === "info" ? "gauge" : type}`];
  }
  const family = name.replace(type === "counter" ? /_total$/ : type === "info" ? /_info$/ : "", "");
  return [
    `# TYPE ${family} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${family} ${unit}`]),
    `# HELP ${family} ${help}`,
  ];
}

function labelText(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return "";
  return `{${names.map((name, at) => `${name}="${escaped(values[at] ?? "")}"`).join(",")}}`;
}

/**
 * Escapes a value. Values come from files that anyone may have written, and must not control a
 * terminal.
 */
function escaped(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")
    // deno-lint-ignore no-control-regex
    .replace(/[\u0000-\u001f\u007f-\u009f\ud800-\udfff]/gu, "\ufffd");
}
