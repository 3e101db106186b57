/**
 * Measurements: their sizes, lines and goals.
 *
 * @module
 */

import type { RuntimeName } from "../test/runners.ts";
import type { BenchHost, Numbers } from "./host.ts";

/** Sizes of a run. */
export interface Sizes {
  /** Duration (ms) of each append measurement. */
  readonly appendMs: number;
  readonly drainRecords: number;
  readonly drainRounds: number;
  /** Sizes (MiB) of the smaller and the larger log. */
  readonly logsMiB: readonly [number, number];
  readonly tracedCalls: number;
  readonly tracedRounds: number;
  /** Duration (s) of each latency measurement. */
  readonly latencySeconds: number;
  /** Number of rounds of each load on a relay; a round takes as long as a latency measurement. */
  readonly relayRounds: number;
  /** Number of records written to a log on JetStream, and sent from it. */
  readonly clusterRecords: number;
  /** Numbers of dead processes whose segments are recovered. */
  readonly deadProcesses: readonly number[];
  /** Number of recoveries of each number of dead processes. */
  readonly recoveryRounds: number;
  /** Number of living processes that share a directory. */
  readonly livingProcesses: number;
  /** Segments of the larger log that commands read, of 64 MiB each. */
  readonly largeSegments: number;
  /** Number of files in a directory with very many. */
  readonly directoryFiles: number;
}

/** A full run. */
export const FULL: Sizes = {
  appendMs: 1_500,
  drainRecords: 200_000,
  drainRounds: 5,
  logsMiB: [1024, 8192],
  tracedCalls: 40_000,
  tracedRounds: 5,
  latencySeconds: 6,
  relayRounds: 3,
  clusterRecords: 100_000,
  deadProcesses: [100, 1_000, 10_000],
  recoveryRounds: 5,
  livingProcesses: 256,
  largeSegments: 800,
  directoryFiles: 100_000,
};

/** A run of a minute or two. It may miss goals that need large logs or an idle machine. */
export const QUICK: Sizes = {
  appendMs: 80,
  drainRecords: 100_000,
  drainRounds: 3,
  logsMiB: [64, 256],
  tracedCalls: 10_000,
  tracedRounds: 2,
  latencySeconds: 2,
  relayRounds: 1,
  clusterRecords: 20_000,
  deadProcesses: [100, 1_000],
  recoveryRounds: 1,
  livingProcesses: 16,
  largeSegments: 50,
  directoryFiles: 10_000,
};

/** One number with its goal. */
export interface Line {
  readonly measure: string;
  readonly runtime: RuntimeName;
  /** The measured values, as text. */
  readonly seen: string;
  /** The value that the goal refers to. */
  readonly value: number;
  /** The unit of `value`, as text. */
  readonly unit: string;
  readonly goal: Goal;
  readonly met: boolean;
}

/** A bound. */
export interface Goal {
  readonly is: "at most" | "at least" | "below";
  readonly bound: number;
}

/** Input of a measurement. */
export interface MeasureContext {
  readonly host: BenchHost;
  readonly sizes: Sizes;
  /** Reports the current step. */
  readonly doing: (what: string) => void;
}

/** Output of a measurement on one runtime. */
export interface Result {
  readonly lines: readonly Line[];
  /** The raw numbers, for `--json`. */
  readonly numbers: Numbers;
}

/** A measurement. */
export interface Measure {
  /** The text of `--help`. */
  readonly about: string;
  measure(runtime: RuntimeName, context: MeasureContext): Promise<Result>;
}

/** Makes a line, and compares its value with the goal. */
export function line(
  measure: string,
  runtime: RuntimeName,
  seen: string,
  value: number,
  unit: string,
  goal: Goal,
): Line {
  const { is, bound } = goal;
  const met = is === "at most"
    ? value <= bound
    : is === "at least"
    ? value >= bound
    : value < bound;
  return { measure, runtime, seen, value, unit, goal, met };
}

/** Formats a number with a fixed number of decimals. */
export function fixed(value: number, digits: number): string {
  return value.toFixed(digits);
}

/** Formats a whole number with separators. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
