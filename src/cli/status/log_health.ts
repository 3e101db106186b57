/**
 * Health of the logs as running processes report it: dropped records, records that are only in memory,
 * disks that fail, quotas.
 *
 * @module
 */

import { dropText, LOST_IN_MEMORY } from "../../client/pipeline/status/drop_causes.ts";
import type { LogReport } from "../../wal/ownership/presence_state.ts";
import { isRunning, type ProcessView } from "../../wal/ownership/process_status.ts";
import { plural, printable } from "../terminal/format.ts";

/** A process and what its log reports. */
export interface ReportedLog {
  readonly process: ProcessView;
  readonly log: LogReport;
}

/** Sum over the logs of a project. */
export interface LogHealth {
  /** Records that were dropped, by cause. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly droppedRecords: number;
  /** Records and bytes that only the memory of processes holds. */
  readonly memoryRecords: number;
  readonly memoryBytes: number;
  /** The quota that is used up most; `null` where no process reports one. */
  readonly quota: LogReport["quota"] | null;
}

/** The processes that report on a log. */
export function reportedLogs(processes: readonly ProcessView[]): ReportedLog[] {
  return processes.flatMap((process) =>
    process.log === null ? [] : [{ process, log: process.log }]
  );
}

/** Records that a process lost, by cause; the memory of a process ends with it. */
export function lossesOf({ process, log }: ReportedLog): Readonly<Record<string, number>> {
  const { dropped, memory } = log;
  if (isRunning(process) || memory.records === 0) return dropped;
  return { ...dropped, [LOST_IN_MEMORY]: memory.records };
}

/** Adds up what processes report. */
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
    // The memory of a process ends with it, and so does its count of the quota.
    if (!isRunning(process)) continue;
    memoryRecords += log.memory.records;
    memoryBytes += log.memory.bytes;
    if (log.quota.maxBytes > 0 && shareOf(log.quota) > shareOf(quota)) quota = log.quota;
  }
  return { dropped, droppedRecords, memoryRecords, memoryBytes, quota };
}

/** The used part of a quota, from 0. */
export function shareOf(quota: LogReport["quota"] | null): number {
  return quota === null || quota.maxBytes === 0 ? -1 : quota.usedBytes / quota.maxBytes;
}

/** `2,275 maxDiskBytes reached, 3 recorded after finish()`. */
export function droppedText(dropped: Readonly<Record<string, number>>): string {
  return Object.entries(dropped).sort(([, a], [, b]) => b - a)
    .map(([cause, count]) => `${plural(count, "record")}: ${printable(dropText(cause))}`)
    .join(", ");
}
