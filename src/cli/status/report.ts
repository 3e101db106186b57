/**
 * The data of `weave-wal status`: what is pending in the logs, for which server, and why.
 *
 * @module
 */

import type { ProcessView } from "../../wal/processes/process_status.ts";
import type { LogPart } from "../logs/log_part.ts";
import type { ProjectPath } from "../logs/projects.ts";
import type { DeadLetterCount } from "./state/dead_letter_count.ts";
import type { LogHealth, ReportedLog } from "./state/log_health.ts";
import type { PartState, SegmentReport } from "./state/part_report.ts";
import type { PartSummary } from "./state/part_summary.ts";

/** One project. */
export interface ProjectReport<State extends PartState = PartState>
  extends ProjectPath, PartSummary {
  readonly segments: readonly SegmentReport<State>[];
  readonly deadLetters: DeadLetterCount;
  /** Processes that have ended and left nothing pending but calls without an end. */
  readonly interrupted?: number;
  /** Log reports of the processes that write this project. */
  readonly logs: readonly ReportedLog[];
  readonly health: LogHealth;
  /**
   * Returns the parts whose records can be read, oldest first.
   *
   * @param name Only the part with this name.
   */
  parts(name?: string): Promise<LogPart[]>;
}

/** All logs below one root, or those of a stream. */
export interface StatusReport<State extends PartState = PartState> {
  /** Kind of its parts. */
  readonly unit: "file" | "partition";
  /** The directory, or the address of the stream. */
  readonly root: string;
  /** The root directory, and that of the Python SDK's logs if there are any. */
  readonly roots: readonly string[];
  /** Time of the report, epoch ms. */
  readonly at: number;
  readonly projects: readonly ProjectReport<State>[];
  /** The processes that write or send these logs. */
  readonly processes: readonly ProcessView[];
}

/**
 * Called when a segment was counted, with the number of segments done and in total; may throw to
 * stop.
 */
export type OnProgress = (done: number, total: number) => void;

/** Makes reports, each cheaper than the first: what was counted is remembered. */
export interface StatusSource<State extends PartState = PartState> {
  /** Makes a report. */
  report(): Promise<StatusReport<State>>;
}

/** Totals of a report. */
export interface StatusTotals {
  readonly projects: number;
  readonly files: number;
  readonly pendingRecords: number;
  /** Whether `pendingRecords` is an estimate. */
  readonly pendingEstimated: boolean;
  readonly pendingBytes: number;
  readonly oldest: number | null;
  readonly deadLetters: number;
  /** Number of records that running processes dropped. */
  readonly droppedRecords: number;
  /** Number of records that exist only in the memory of processes. */
  readonly memoryRecords: number;
}

/** Computes the totals of a report. */
export function totalsOf({ projects }: StatusReport): StatusTotals {
  return {
    projects: projects.length,
    files: sum(projects.map(({ segments }) => segments.length)),
    pendingRecords: sum(projects.map(({ pendingRecords }) => pendingRecords)),
    pendingEstimated: projects.some(({ pendingEstimated }) => pendingEstimated),
    pendingBytes: sum(projects.map(({ pendingBytes }) => pendingBytes)),
    oldest: least(projects.map(({ oldest }) => oldest)),
    deadLetters: sum(projects.map(({ deadLetters }) => deadLetters.total)),
    droppedRecords: sum(projects.map(({ health }) => health.droppedRecords)),
    memoryRecords: sum(projects.map(({ health }) => health.memoryRecords)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function least(numbers: readonly (number | null)[]): number | null {
  return numbers.reduce(
    (lowest, number) => number === null || (lowest !== null && lowest <= number) ? lowest : number,
    null,
  );
}
