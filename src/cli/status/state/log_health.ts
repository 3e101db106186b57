/**
 * Health of the logs according to running processes: dropped records, records that are only in
 * memory, failing disks, quotas.
 *
 * @module
 */

import { dropText, LOST_IN_MEMORY } from "../../../client/pipeline/status/drop_causes.ts";
import type { LogReport } from "../../../wal/processes/presence_state.ts";
import { isRunning, type ProcessView } from "../../../wal/processes/process_status.ts";
import { plural, printable } from "../../terminal/format.ts";

/** A process and the report of its log. */
export interface ReportedLog {
  readonly process: ProcessView;
  readonly log: LogReport;
}

/** The used part of what a log may take. */
export type Quota = Omit<LogReport["quota"], "policy"> & {
  /** Effect of reaching the limit; a stream refuses. */
  readonly policy: LogReport["quota"]["policy"] | "refuse";
};

/** Sum over the logs of a project. */
export interface LogHealth {
  /** Number of dropped records, by cause. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly droppedRecords: number;
  /** Records and bytes that exist only in the memory of processes. */
  readonly memoryRecords: number;
  readonly memoryBytes: number;
  /** The quota that is used up most; `null` where no process reports one. */
  readonly quota: Quota | null;
}

/** Returns the processes that report on a log. */
export function reportedLogs(processes: readonly ProcessView[]): ReportedLog[] {
  return processes.flatMap((process) =>
    process.log === null ? [] : [{ process, log: process.log }]
  );
}

/**
 * Returns the number of records that a process lost, by cause, including those in the memory of an
 * ended process.
 */
export function lossesOf({ process, log }: ReportedLog): Readonly<Record<string, number>> {
  const { dropped, memory } = log;
  if (isRunning(process) || memory.records === 0) return dropped;
  return { ...dropped, [LOST_IN_MEMORY]: memory.records };
}

/** Adds up the reports of processes. */
export function healthOf(logs: readonly ReportedLog[]): LogHealth {
  const dropped: Record<string, number> = {};
  let droppedRecords = 0;
  let memoryRecords = 0;
  let memoryBytes = 0;
  let quota: LogHealth["quota"] = null;
  for (const { process, log } of logs) {
    for (const [cause, count] of Object.entries(lossesOf({ process, log }))) {
      dropped[cause] = (dropped[cause] ?? 0) + count;
      droppedRecords += count;
    }
    // The memory of an ended process is lost, and its quota usage is outdated.
    if (!isRunning(process)) continue;
    memoryRecords += log.memory.records;
    memoryBytes += log.memory.bytes;
    if (log.quota.maxBytes > 0 && shareOf(log.quota) > shareOf(quota)) quota = log.quota;
  }
  return { dropped, droppedRecords, memoryRecords, memoryBytes, quota };
}

/** Names the limit that a quota comes from, for `80% …`. */
export function usedOf({ policy }: Quota): string {
  return policy === "refuse" ? "of the stream's --max-log used" : "of maxDiskBytes used";
}

/** The used part of a quota, from 0. */
export function shareOf(quota: Quota | null): number {
  return quota === null || quota.maxBytes === 0 ? -1 : quota.usedBytes / quota.maxBytes;
}

/** Formats dropped records: `2,275 maxDiskBytes reached, 3 recorded after finish()`. */
export function droppedText(dropped: Readonly<Record<string, number>>): string {
  return Object.entries(dropped).sort(([, a], [, b]) => b - a)
    .map(([cause, count]) => `${plural(count, "record")}: ${printable(dropText(cause))}`)
    .join(", ");
}
