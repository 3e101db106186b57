/**
 * Prepares a report for the page, with limited lists.
 *
 * @module
 */

import {
  isRunning,
  type ProcessStatus,
  type ProcessView,
} from "../../../wal/processes/process_status.ts";
import { projectLabel } from "../../logs/python_logs.ts";
import type { Advice } from "../../status/advice_types.ts";
import { shareOf } from "../../status/state/log_health.ts";
import type { FlowRate } from "../../status/render.ts";
import { type ProjectReport, type StatusReport, totalsOf } from "../../status/report.ts";
import { processName, reportedSenders, senderStateOf } from "../../status/state/sender_state.ts";
import type { AdviceView, ProjectView, ReportView, SenderView, WriterView } from "../api_types.ts";

/** Maximum number of entries in each list. */
const MOST = { projects: 200, writers: 200, senders: 100, advice: 50 } as const;

const IDLE: FlowRate = { written: 0, sent: 0 };
const UNKNOWN = { written: null, sent: null };

/**
 * Returns the view of a report.
 *
 * @param rates The rates of the projects, by directory; `null` if they are unknown.
 */
export function reportView(
  report: StatusReport,
  advice: readonly Advice[],
  rates: ReadonlyMap<string, FlowRate> | null,
  hasLogs: boolean,
): ReportView {
  const projects = report.projects
    .map((project) =>
      projectView(
        project,
        report,
        rates === null ? UNKNOWN : rates.get(project.directory) ?? IDLE,
      )
    )
    .sort((a, b) => b.pendingBytes - a.pendingBytes || b.deadLetters.total - a.deadLetters.total);
  const writers = writingsOf(report).sort(byRelevance);
  const processes = new Map(report.processes.map((process) => [process.token, process]));
  const senders = reportedSenders(report).map(({ process, report: sender }): SenderView => ({
    name: processName(process),
    liveness: process.liveness,
    server: process.server,
    state: sender.state,
    reason: sender.reason,
    since: sender.since,
    nextAttempt: sender.nextAttempt,
    delivered: sender.delivered,
    deadLettered: sender.deadLettered,
    lastDelivery: sender.lastDelivery,
    lastError: sender.lastError,
  }));
  const lines = advice.map(({ level, project, message, command }): AdviceView => ({
    level,
    project: project ?? null,
    message,
    command: command ?? null,
  }));
  const all = { projects, writers, senders, advice: lines };
  const left = Object.fromEntries(
    Object.entries(MOST).map(([name, most]) => [
      name,
      Math.max(0, all[name as keyof typeof all].length - most),
    ]),
  ) as ReportView["left"];
  return {
    at: report.at,
    unit: report.unit,
    hasLogs,
    totals: totalsOf(report),
    projects: projects.slice(0, MOST.projects),
    writers: writers.slice(0, MOST.writers).map((writing) => writerView(writing, processes)),
    senders: senders.slice(0, MOST.senders),
    advice: lines.slice(0, MOST.advice),
    left,
  };
}

function projectView(
  project: ProjectReport,
  report: StatusReport,
  { written, sent }: Pick<ProjectView, "written" | "sent">,
): ProjectView {
  const { deadLetters, health } = project;
  const { state, by, report: sender } = senderStateOf(project, report);
  return {
    directory: project.directory,
    label: projectLabel(project),
    entity: project.entity,
    project: project.project,
    files: project.segments.length,
    pendingRecords: project.pendingRecords,
    pendingEstimated: project.pendingEstimated,
    pendingBytes: project.pendingBytes,
    oldest: project.oldest,
    deadLetters: { total: deadLetters.total, byReason: { ...deadLetters.byReason } },
    droppedRecords: health.droppedRecords,
    memoryRecords: health.memoryRecords,
    quota: health.quota === null
      ? null
      : { share: shareOf(health.quota), fullAt: health.quota.fullAt },
    sender: { state, by: by && processName(by), reason: sender?.reason ?? "" },
    written,
    sent,
  };
}

/** The segments of a process in a project. */
interface Writing {
  /** Label of the project. */
  readonly project: string;
  readonly token: string;
  readonly status: ProcessStatus & Pick<WriterView, "sends" | "server">;
  readonly files: number;
  readonly pendingBytes: number;
}

/** Returns processes with segments, and running ones without. */
function writingsOf(report: StatusReport): Writing[] {
  const writings: Writing[] = [];
  const seen = new Set<string>();
  for (const project of report.projects) {
    const label = projectLabel(project);
    for (const [token, { writer: status, files, pendingBytes }] of project.writers) {
      seen.add(`${label} ${token}`);
      writings.push({ project: label, token, status, files, pendingBytes });
    }
  }
  for (const process of report.processes) {
    if (process.log === null || !isRunning(process)) continue;
    const project = `${process.log.entity}/${process.log.project}`;
    const { token } = process;
    if (seen.has(`${project} ${token}`)) continue;
    writings.push({ project, token, status: process, files: 0, pendingBytes: 0 });
  }
  return writings;
}

/** Orders writers: running ones first, then by their pending bytes. */
function byRelevance(a: Writing, b: Writing): number {
  return Number(isRunning(b.status)) - Number(isRunning(a.status)) ||
    b.pendingBytes - a.pendingBytes;
}

function writerView(
  { project, token, status, files, pendingBytes }: Writing,
  processes: ReadonlyMap<string, ProcessView>,
): WriterView {
  const log = processes.get(token)?.log;
  return {
    project,
    name: processName(status),
    liveness: status.liveness,
    sends: status.sends,
    server: status.server,
    lastHeartbeat: status.lastHeartbeat,
    files,
    pendingBytes,
    inMemory: log?.kind === "memory",
    diskError: log?.diskError?.message ?? null,
  };
}
