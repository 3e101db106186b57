/**
 * The processes that send a project's records, and their state.
 *
 * @module
 */

import { STALE_AFTER_MS } from "../../wal/ownership/failure_detector.ts";
import type { SenderReport } from "../../wal/ownership/presence_state.ts";
import {
  isRunning,
  type ProcessStatus,
  type ProcessView,
} from "../../wal/ownership/process_status.ts";
import type { Drainer } from "../../wal/ownership/segment_status.ts";
import { printable } from "../terminal/format.ts";
import type { ProjectReport, StatusReport } from "./report.ts";

/**
 * State of the delivery of a project.
 *
 * - `idle`: nothing is pending, and nobody has to send.
 * - `sending`: a process drains the segments, and reports nothing wrong.
 * - `down`: the server is unreachable; the sender retries.
 * - `blocked`: the server rejects everything, such as with a wrong key; needs attention.
 * - `unresponsive`: the process that has to send is suspended, hung, or cannot write to its disk.
 * - `nobody`: records are pending and no process drains them.
 */
export type SenderStateName = "idle" | "sending" | "down" | "blocked" | "unresponsive" | "nobody";

/** The sender of a project and its state. */
export interface SenderState {
  readonly state: SenderStateName;
  /** The process that sends, where one is known. */
  readonly by: Drainer | null;
  /** The sender's own report, if any. */
  readonly report: SenderReport | null;
}

/** A running process that sends, and its report. */
export interface ReportedSender {
  readonly process: ProcessView;
  readonly report: SenderReport;
}

/** The running processes that report how their sending goes. */
export function reportedSenders({ processes }: StatusReport): ReportedSender[] {
  return processes.filter(isRunning).flatMap((process) =>
    process.sender === null ? [] : [{ process, report: process.sender }]
  );
}

/** Whether senders on this host would take a process to be there; remote ones need heartbeats. */
export function isPresent(status: ProcessStatus, now: number): boolean {
  if (status.liveness !== "remote") return isRunning(status);
  return status.lastHeartbeat !== null && now - status.lastHeartbeat <= STALE_AFTER_MS;
}

/** The process that drains a segment now; `null` if none does. */
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

/** Returns the sender of `project`'s records; of several, the one in the worst state. */
export function senderStateOf(project: ProjectReport, report: StatusReport): SenderState {
  const reports = new Map(
    reportedSenders(report).map((sender) => [sender.process.token, sender.report]),
  );
  let worst: SenderState = { state: "idle", by: null, report: null };
  const seen = new Set<string>();
  for (const { state, pendingBytes } of project.segments) {
    const drainer = drainerNow(state.drainer, report.at);
    // Thousands of segments have few drainers.
    const key = `${drainer?.token} ${drainer?.as} ${pendingBytes > 0}`;
    if (seen.has(key)) continue;
    seen.add(key);
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

/** `pid 4711`, with its host where that is another one; safe to print. */
export function processName({ pid, host, liveness }: ProcessStatus): string {
  if (pid === null) return "an unknown process";
  return liveness === "remote" && host ? `pid ${pid} on ${printable(host)}` : `pid ${pid}`;
}
