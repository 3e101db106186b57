/**
 * CPU of a traced call until it is delivered, compared with a floor, OpenTelemetry and
 * the official SDK.
 *
 * @module
 */

import type { RuntimeName } from "../../test/runners.ts";
import { compareTracers } from "../compare_tracers.ts";
import {
  fixed,
  type Goal,
  type Line,
  line,
  type Measure,
  type MeasureContext,
  type Result,
} from "../measure.ts";
import { WORKLOADS } from "../workloads/workloads.ts";

/** The measurement for `--only traced`. */
export const traced: Measure = {
  about:
    "CPU of a traced call against OpenTelemetry and the official SDK, which keep calls in memory",
  measure,
};

const GOALS: readonly { readonly tracer: string; readonly goal: Goal }[] = [
  { tracer: "floor", goal: { is: "at most", bound: 1.6 } },
  { tracer: "otel", goal: { is: "at most", bound: 1 } },
  { tracer: "official", goal: { is: "at most", bound: 0.4 } },
];

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const lines: Line[] = [];
  let numbers = {};
  for (const workload of Object.keys(WORKLOADS)) {
    const tracers = ["log", ...GOALS.map(({ tracer }) => tracer)];
    const comparison = await compareTracers(runtime, context, workload, tracers);
    for (const { tracer, goal } of GOALS) {
      const [own, other] = ["log", tracer].map((name) => comparison.of(name, "cpuMicros"));
      const seen = `${workload} calls: ${fixed(own, 1)} µs CPU, ${tracer} ${fixed(other, 1)} µs`;
      const ratio = comparison.ratio("log", tracer, "cpuMicros");
      lines.push(line("traced", runtime, seen, ratio, `× ${tracer}`, goal));
    }
    numbers = { ...numbers, ...comparison.numbers };
  }
  return { lines, numbers };
}
