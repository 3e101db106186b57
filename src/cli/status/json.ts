/**
 * `weave-wal status --json`. Times are ISO 8601, sizes are in bytes, ages in ms.
 *
 * @module
 */

import type { ProcessStatus } from "../../wal/processes/process_status.ts";
import type { Advice } from "./advice_types.ts";
import type { CheckResult } from "./checks.ts";
import type { LogHealth, ReportedLog } from "./state/log_health.ts";
import { writersOf } from "./state/part_summary.ts";
import type { SegmentReport } from "./state/part_report.ts";
import { type ProjectReport, type StatusReport, totalsOf } from "./report.ts";
import {
  type ReportedSender,
  reportedSenders,
  senderStateOf,
  type SendingProcess,
} from "./state/sender_state.ts";

/** Returns the report as one JSON value. */
export function statusJson(
  report: StatusReport,
  advice: readonly Advice[],
  checks: readonly CheckResult[] = [],
): unknown {
  const { at } = report;
  const totals = totalsOf(report);
  return {
    [report.unit === "file" ? "dir" : "log"]: report.root,
    at: iso(at),
    ...totals,
    ...age(totals.oldest, at),
    projects: report.projects.map((project) => projectJson(project, report)),
    senders: reportedSenders(report).map(senderJson),
    advice,
    ...(checks.length === 0 ? {} : { checks }),
  };
}

function projectJson(project: ProjectReport, report: StatusReport): unknown {
  const { deadLetters, health, segments } = project;
  const { at } = report;
  const sender = senderStateOf(project, report);
  return {
    entity: project.entity,
    project: project.project,
    ...(project.python ? { python: project.python, directory: project.directory } : {}),
    files: segments.length,
    pendingRecords: project.pendingRecords,
    pendingEstimated: project.pendingEstimated,
    pendingBytes: project.pendingBytes,
    ...age(project.oldest, at),
    writers: Object.fromEntries(
      [...writersOf(project)].map(([liveness, writers]) => [liveness, writers.length]),
    ),
    interrupted: project.interrupted ?? 0,
    deadLetters: {
      total: deadLetters.total,
      byReason: deadLetters.byReason,
      last: deadLetters.last && { at: iso(deadLetters.last.at), message: deadLetters.last.message },
    },
    dropped: { total: health.droppedRecords, byReason: health.dropped },
    memory: { records: health.memoryRecords, bytes: health.memoryBytes },
    quota: quotaJson(health.quota),
    sender: {
      state: sender.state,
      by: sender.by && senderProcessJson(sender.by),
      reason: sender.report?.reason || null,
      since: sender.report === null ? null : iso(sender.report.since),
      nextAttempt: sender.report === null ? null : iso(sender.report.nextAttempt),
      lastError: sender.report && lastErrorJson(sender.report),
    },
    logs: project.logs.map(logJson),
    segments: segments.map((segment) => segmentJson(segment, at)),
  };
}

function logJson({ process, log }: ReportedLog): unknown {
  const { kind, diskError, syncError, appended, memory, dropped, quota } = log;
  return {
    ...processJson(process),
    kind,
    diskError: diskError && { ...diskError, at: iso(diskError.at) },
    syncError: syncError && { ...syncError, at: iso(syncError.at) },
    appended,
    memory,
    dropped,
    quota: quotaJson(quota),
  };
}

function quotaJson(quota: LogHealth["quota"]): unknown {
  return quota && { ...quota, fullAt: iso(quota.fullAt) };
}

function segmentJson(segment: SegmentReport, at: number): unknown {
  const { state } = segment;
  const { writer, drainer, checkpoint } = state;
  return {
    file: segment.name,
    bytes: state.size,
    open: state.open,
    checkpoint: checkpoint.offset,
    checkpointError: checkpoint.invalidReason ?? null,
    pendingRecords: segment.pendingRecords,
    pendingEstimated: segment.pendingEstimated,
    pendingBytes: segment.pendingBytes,
    ...age(segment.oldest, at),
    writer: writer && { ...processJson(writer), sends: writer.sends, server: writer.server },
    drainer: drainer && senderProcessJson(drainer),
  };
}

function senderJson({ process, report }: ReportedSender): unknown {
  return {
    ...processJson(process),
    server: process.server,
    state: report.state,
    reason: report.reason || null,
    since: iso(report.since),
    nextAttempt: iso(report.nextAttempt),
    delivered: report.delivered,
    deadLettered: report.deadLettered,
    lastDelivery: iso(report.lastDelivery),
    lastError: lastErrorJson(report),
  };
}

function lastErrorJson({ lastError }: ReportedSender["report"]): unknown {
  return lastError && { message: lastError.message, at: iso(lastError.at) };
}

function senderProcessJson(process: SendingProcess): Record<string, unknown> {
  return { ...processJson(process), as: process.as };
}

function processJson(status: ProcessStatus): Record<string, unknown> {
  const { liveness, pid, host, lastHeartbeat } = status;
  return { liveness, pid, host, lastHeartbeat: iso(lastHeartbeat) };
}

function age(oldest: number | null, now: number): Record<string, unknown> {
  return {
    oldest: iso(oldest),
    ageMs: oldest === null ? null : Math.max(0, Math.round(now - oldest)),
  };
}

/**
 * Formats a time; `null` if it is out of range, since a presence file or a record may contain any
 * number.
 */
function iso(ms: number | null): string | null {
  return ms === null || !(Math.abs(ms) <= 8.64e15) ? null : new Date(ms).toISOString();
}
