/**
 * Finds pending records that no process drains, and why.
 *
 * @module
 */

import type { ProcessStatus, Writer } from "../../../wal/processes/process_status.ts";
import { formatDuration, formatRecords, printable } from "../../terminal/format.ts";
import type { PartGroup } from "./part_summary.ts";
import type { ProjectReport, StatusReport } from "../report.ts";
import {
  blockedSenders,
  drainerNow,
  isPresent,
  processName,
  type ReportedSender,
  reportedSenders,
} from "./sender_state.ts";

/** Records that are not being sent. */
export interface Undrained {
  /** The server of the records; `null` if no file contains it. */
  readonly server: string | null;
  readonly level: "info" | "warn" | "error";
  /** Stable name, for programs. */
  readonly kind: string;
  /** Contains `{for}` where the server can be inserted. */
  readonly message: string;
  readonly command?: string;
}

/** Maximum number of processes to name in a message. */
const MAX_NAMES = 3;

type Kind = "unresponsive" | "rejected" | "no-sender" | "unclaimed" | "remote" | "orphaned";

/**
 * Returns the pending records of `project` that are not being sent: one entry for each server and
 * kind.
 */
export function undrained(project: ProjectReport, report: StatusReport): Undrained[] {
  const now = report.at;
  const senders = reportedSenders(report);
  const byKind = new Map<string, { kind: Kind; groups: PartGroup[] }>();
  for (const group of project.groups) {
    const kind = group.pendingBytes > 0 ? kindOf(group, senders, now) : null;
    if (kind === null) continue;
    const key = `${kind} ${group.writer?.server}`;
    const alike = byKind.get(key);
    if (alike) alike.groups.push(group);
    else byKind.set(key, { kind, groups: [group] });
  }
  return [...byKind.values()].map(({ kind, groups }) => describe(kind, groups, senders, now));
}

function kindOf(
  group: PartGroup,
  senders: readonly ReportedSender[],
  now: number,
): Kind | null {
  const { drainer, writer } = group;
  if (blockedSenders(group, senders, now).length > 0) return "rejected";
  const drains = drainerNow(drainer, now);
  if (drains !== null) return drains.liveness === "unresponsive" ? "unresponsive" : null;
  if (writer === null) return "no-sender";
  if (writer.liveness === "dead" || writer.liveness === "closed") return "orphaned";
  if (writer.liveness === "remote") return "remote";
  return writer.sends === false ? "no-sender" : "unclaimed";
}

function describe(
  kind: Kind,
  groups: readonly PartGroup[],
  senders: readonly ReportedSender[],
  now: number,
): Undrained {
  const { writer, drainer } = groups[0];
  const records = groups.reduce((sum, { pendingRecords }) => sum + pendingRecords, 0);
  const isEstimate = groups.some(({ pendingEstimated }) => pendingEstimated);
  const subject = `${formatRecords(records, isEstimate)}{for}`;
  const server = writer?.server ?? null;
  switch (kind) {
    case "unresponsive": {
      const last = drainer!.lastHeartbeat;
      const since = last === null ? "" : ` for ${formatDuration(now - last)}`;
      const message = `${subject} wait for ${processName(drainer!)}, which has sent no heartbeat` +
        `${since}: suspended, hung, or unable to write to its disk. They are sent when it continues ` +
        "or ends";
      return { server, level: "warn", kind: "unresponsive", message };
    }
    case "rejected": {
      const blocked = blockedSenders(groups[0], senders, now);
      const message = `${subject} with no process that may send them: the server rejects what ${
        names(blocked.map(({ process }) => process))
      } sends`;
      return { server, level: "error", kind, message, command: "flush" };
    }
    case "no-sender": {
      const message = writer === null
        ? `${subject} with no process to send them: no sender is running`
        : `${subject} with no process to send them: the sender of the writers is disabled`;
      return { server, level: "warn", kind, message, command: "flush --follow" };
    }
    case "unclaimed": {
      const message = `${subject} of ${namesOf(groups)}, which will send them itself`;
      return { server, level: "info", kind, message };
    }
    case "remote":
      return { server, level: "info", kind, ...ofRemote(subject, groups, writer!, now) };
    case "orphaned": {
      const message = `${subject} orphaned: the processes that wrote them have ended`;
      return { server, level: "warn", kind, message, command: "flush" };
    }
  }
}

function ofRemote(
  subject: string,
  groups: readonly PartGroup[],
  writer: Writer,
  now: number,
): { message: string; command: string } {
  const of = `${subject} of ${namesOf(groups)}`;
  if (isPresent(writer, now)) {
    return { message: `${of}, which runs elsewhere with its sender off`, command: "flush" };
  }
  const { lastHeartbeat } = writer;
  const since = lastHeartbeat === null
    ? "has no heartbeat"
    : `has sent no heartbeat for ${formatDuration(now - lastHeartbeat)}`;
  return { message: `${of}, which ${since}: a sender presumes it dead`, command: "flush" };
}

function namesOf(groups: readonly PartGroup[]): string {
  return names(groups.map(({ writer }) => writer!));
}

function names(processes: readonly ProcessStatus[]): string {
  const all = [...new Set(processes.map(processName))];
  const more = all.length > MAX_NAMES ? " and others" : "";
  return printable(all.slice(0, MAX_NAMES).join(", ")) + more;
}
