/**
 * The official SDK with the log, compared with the official SDK without it.
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

/** The measurement for `--only register`. */
export const register: Measure = {
  about: "the official SDK with the log against the official SDK without it",
  measure,
};

const GOAL: Goal = { is: "at most", bound: 0.9 };

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const lines: Line[] = [];
  let numbers = {};
  for (const workload of Object.keys(WORKLOADS)) {
    const comparison = await compareTracers(runtime, context, workload, ["register", "official"]);
    for (const [number, unit] of [["cpuMicros", "CPU"], ["totalMicros", "time"]]) {
      const [own, other] = ["register", "official"].map((name) => comparison.of(name, number));
      const seen = `${workload} calls: ${fixed(own, 1)} µs ${unit} a call, without the log ${
        fixed(other, 1)
      } µs`;
      const ratio = comparison.ratio("register", "official", number);
      lines.push(line("register", runtime, seen, ratio, "× without the log", GOAL));
    }
    numbers = { ...numbers, ...comparison.numbers };
  }
  return { lines, numbers };
}
