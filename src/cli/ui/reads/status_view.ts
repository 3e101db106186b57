/**
 * Prepares a report for the page, with limited lists.
 *
 * @module
 */

import { isRunning, type ProcessStatus } from "../../../wal/processes/process_status.ts";
import { parseStem } from "../../../wal/segment/segment_name.ts";
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

/** Returns the view of a report. */
export function reportView(
  report: StatusReport,
  advice: readonly Advice[],
  rates: ReadonlyMap<string, FlowRate>,
  hasLogs: boolean,
): ReportView {
  const projects = report.projects
    .map((project) => projectView(project, report, rates.get(project.directory) ?? IDLE))
    .sort((a, b) => b.pendingBytes - a.pendingBytes || b.deadLetters.total - a.deadLetters.total);
  const writers = writersView(report).sort((a, b) =>
    Number(b.isRunning) - Number(a.isRunning) || b.view.pendingBytes - a.view.pendingBytes
  ).map(({ view }) => view);
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
    hasLogs,
    totals: totalsOf(report),
    projects: projects.slice(0, MOST.projects),
    writers: writers.slice(0, MOST.writers),
    senders: senders.slice(0, MOST.senders),
    advice: lines.slice(0, MOST.advice),
    left,
  };
}

function projectView(
  project: ProjectReport,
  report: StatusReport,
  { written, sent }: FlowRate,
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

interface Writing {
  readonly isRunning: boolean;
  readonly view: WriterView;
}

/** Returns processes with segments, and running ones without. */
function writersView(report: StatusReport): Writing[] {
  const byToken = new Map(report.processes.map((process) => [process.token, process]));
  const writers: Writing[] = [];
  const seen = new Set<string>();
  const add = (
    project: string,
    token: string,
    status: ProcessStatus & Pick<WriterView, "sends" | "server">,
    { files, pendingBytes }: { files: number; pendingBytes: number },
  ): void => {
    seen.add(`${project} ${token}`);
    writers.push({
      isRunning: isRunning(status),
      view: {
        project,
        name: processName(status),
        liveness: status.liveness,
        sends: status.sends,
        server: status.server,
        lastHeartbeat: status.lastHeartbeat,
        files,
        pendingBytes,
        inMemory: byToken.get(token)?.log?.kind === "memory",
        diskError: byToken.get(token)?.log?.diskError?.message ?? null,
      },
    });
  };
  for (const project of report.projects) {
    const { segments } = project;
    const name = projectLabel(project);
    const own = new Map<string, { files: number; pendingBytes: number }>();
    for (const { state, pendingBytes } of segments) {
      const token = parseStem(state.stem)?.writer ?? state.stem;
      const sum = own.get(token) ?? { files: 0, pendingBytes: 0 };
      own.set(token, {
        files: sum.files + 1,
        pendingBytes: sum.pendingBytes + pendingBytes,
      });
    }
    for (const { state } of segments) {
      const token = parseStem(state.stem)?.writer ?? state.stem;
      if (state.writer === null || seen.has(`${name} ${token}`)) continue;
      add(name, token, state.writer, own.get(token)!);
    }
  }
  for (const process of report.processes) {
    if (process.log === null || !isRunning(process)) continue;
    const name = `${process.log.entity}/${process.log.project}`;
    if (seen.has(`${name} ${process.token}`)) continue;
    add(name, process.token, process, { files: 0, pendingBytes: 0 });
  }
  return writers;
}
