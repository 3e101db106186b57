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
import type { PartGroup } from "./part_summary.ts";

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

/** A process that sends. */
export interface SendingProcess extends ProcessStatus {
  /** Whose segments it drains; `null` if it drains none at the moment. */
  readonly as: Drainer["as"] | null;
}

/** The sender of a project and its state. */
export interface SenderState {
  readonly state: SenderStateName;
  /** The process that sends, or would if the server accepted its requests; `null` if none is known. */
  readonly by: SendingProcess | null;
  /** The sender's own report, if any. */
  readonly report: SenderReport | null;
}

/** Delivery of some of a project's records. */
export interface Delivery extends SenderState {
  readonly pendingRecords: number;
  /** Whether `pendingRecords` is an estimate. */
  readonly pendingEstimated: boolean;
}

/** A running process that sends, and its report. */
export interface ReportedSender {
  readonly process: ProcessView;
  readonly report: SenderReport;
}

/** Returns the running processes that report on their sender. */
export function reportedSenders({ processes, at }: StatusReport): ReportedSender[] {
  return processes.filter((process) => isPresent(process, at)).flatMap((process) =>
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
  let worst: SenderState = { state: "idle", by: null, report: null };
  for (const delivery of deliveriesOf(project, report)) {
    if (SEVERITY[delivery.state] > SEVERITY[worst.state]) worst = delivery;
  }
  return worst;
}

/**
 * Returns the delivery of each part of `project`'s records: those with the same sender, and those in
 * the memory of a process. Their states are independent: one sender may be blocked while another is
 * down.
 */
export function deliveriesOf(project: ProjectReport, report: StatusReport): Delivery[] {
  const senders = reportedSenders(report);
  const reports = new Map(senders.map((sender) => [sender.process.token, sender.report]));
  const onDisk = project.groups.map((group): Delivery => {
    const drainer = drainerNow(group.drainer, report.at);
    const [blocked] = blockedSenders(group, senders, report.at);
    const state: SenderState = blocked !== undefined
      ? { state: "blocked", by: { ...blocked.process, as: null }, report: blocked.report }
      : drainer !== null
      ? stateOf(drainer, reports.get(drainer.token ?? "") ?? null)
      : { state: group.pendingBytes > 0 ? "nobody" : "idle", by: null, report: null };
    const { pendingRecords, pendingEstimated } = group;
    return { ...state, pendingRecords, pendingEstimated };
  });
  const inMemory = project.logs.filter(({ process, log }) =>
    isRunning(process) && log.memory.records > 0
  ).map(({ process, log }): Delivery => {
    const state: SenderState = process.sends
      ? stateOf({ ...process, as: "writer" }, reports.get(process.token) ?? null)
      : { state: "nobody", by: null, report: null };
    return { ...state, pendingRecords: log.memory.records, pendingEstimated: false };
  });
  return [...onDisk, ...inMemory];
}

/**
 * Returns the senders that would drain these segments if the server did not reject their requests: a
 * sender that is rejected gives its recovery lease back. Empty if a process drains them, or if
 * another sender for this server is not rejected.
 */
export function blockedSenders(
  { drainer, writer, pendingBytes }: PartGroup,
  senders: readonly ReportedSender[],
  now: number,
): ReportedSender[] {
  const server = writer?.server ?? null;
  if (server === null || pendingBytes === 0 || drainerNow(drainer, now) !== null) return [];
  const able = senders.filter(({ process }) =>
    process.server === server && process.liveness !== "unresponsive"
  );
  return able.every(({ report }) => report.state === "blocked") ? able : [];
}

function stateOf(by: SendingProcess, report: SenderReport | null): SenderState {
  if (by.liveness === "unresponsive") return { state: "unresponsive", by, report };
  const state = report === null || report.state === "up" ? "sending" : report.state;
  return { state, by, report };
}

/** Formats `pid 4711`, with its host if that is another one; safe to print. */
export function processName({ pid, host, liveness }: ProcessStatus): string {
  if (pid === null) return "an unknown process";
  return liveness === "remote" && host ? `pid ${pid} on ${printable(host)}` : `pid ${pid}`;
}
