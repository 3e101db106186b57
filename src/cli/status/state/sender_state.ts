/**
 * The processes that send a project's records, and their state.
 *
 * @module
 */

import { STALE_AFTER_MS } from "../../../wal/processes/failure_detector.ts";
import type { SenderReport } from "../../../wal/processes/presence_state.ts";
import {
  isRunning,
  type ProcessStatus,
  type ProcessView,
} from "../../../wal/processes/process_status.ts";
import type { Drainer } from "../../../wal/orphans/segment_status.ts";
import { printable } from "../../terminal/format.ts";
import type { ProjectReport, StatusReport } from "../report.ts";

/**
 * State of the delivery of a project.
 *
 * - `idle`: nothing is pending, so no process needs to send.
 * - `sending`: a process drains the segments, and reports no problem.
 * - `down`: the server is unreachable; the sender retries.
 * - `blocked`: the server rejects everything, for example because of a wrong key; needs attention.
 * - `unresponsive`: the process that should send is suspended, hung, or cannot write to its disk.
 * - `nobody`: records are pending and no process drains them.
 */
export type SenderStateName = "idle" | "sending" | "down" | "blocked" | "unresponsive" | "nobody";

/** The sender of a project and its state. */
export interface SenderState {
  readonly state: SenderStateName;
  /** The process that sends, if known. */
  readonly by: Drainer | null;
  /** The sender's own report, if any. */
  readonly report: SenderReport | null;
}

/** A running process that sends, and its report. */
export interface ReportedSender {
  readonly process: ProcessView;
  readonly report: SenderReport;
}

/** Returns the running processes that report on their sender. */
export function reportedSenders({ processes }: StatusReport): ReportedSender[] {
  return processes.filter(isRunning).flatMap((process) =>
    process.sender === null ? [] : [{ process, report: process.sender }]
  );
}

/** Returns whether senders on this host consider a process present; remote ones need heartbeats. */
export function isPresent(status: ProcessStatus, now: number): boolean {
  if (status.liveness !== "remote") return isRunning(status);
  return status.lastHeartbeat !== null && now - status.lastHeartbeat <= STALE_AFTER_MS;
}

/** Returns the process that currently drains a segment; `null` if there is none. */
export function drainerNow(drainer: Drainer | null, now: number): Drainer | null {
  return drainer !== null && isPresent(drainer, now) ? drainer : null;
}

/** Higher is worse. */
const SEVERITY: Readonly<Record<SenderStateName, number>> = {
  idle: 0,
  sending: 1,
  down: 2,
  unresponsive: 3,
  nobody: 4,
  blocked: 5,
};

/** Returns the sender of `project`'s records; if there are several, the one in the worst state. */
export function senderStateOf(project: ProjectReport, report: StatusReport): SenderState {
  const reports = new Map(
    reportedSenders(report).map((sender) => [sender.process.token, sender.report]),
  );
  let worst: SenderState = { state: "idle", by: null, report: null };
  for (const { drainer: listed, pendingBytes } of project.groups) {
    const drainer = drainerNow(listed, report.at);
    const one = stateOf(drainer, pendingBytes, reports.get(drainer?.token ?? "") ?? null);
    if (SEVERITY[one.state] > SEVERITY[worst.state]) worst = one;
  }
  return worst;
}

function stateOf(
  by: Drainer | null,
  pendingBytes: number,
  report: SenderReport | null,
): SenderState {
  if (by === null) return { state: pendingBytes > 0 ? "nobody" : "idle", by, report: null };
  if (by.liveness === "unresponsive") return { state: "unresponsive", by, report };
  const state = report === null || report.state === "up" ? "sending" : report.state;
  return { state, by, report };
}

/** Formats `pid 4711`, with its host if that is another one; safe to print. */
export function processName({ pid, host, liveness }: ProcessStatus): string {
  if (pid === null) return "an unknown process";
  return liveness === "remote" && host ? `pid ${pid} on ${printable(host)}` : `pid ${pid}`;
}
