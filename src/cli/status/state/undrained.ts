/**
 * Finds pending records that no process drains, and why.
 *
 * @module
 */

import type { Writer } from "../../../wal/processes/process_status.ts";
import { formatDuration, formatRecords, printable } from "../../terminal/format.ts";
import type { ProjectReport, SegmentReport } from "../report.ts";
import { drainerNow, isPresent, processName } from "./sender_state.ts";

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

type Kind = "unresponsive" | "no-sender" | "unclaimed" | "remote" | "orphaned";

/**
 * Returns the pending records of `project` that are not being sent: one entry for each server and
 * kind.
 */
export function undrained(project: ProjectReport, now: number): Undrained[] {
  const groups = new Map<string, { kind: Kind; segments: SegmentReport[] }>();
  for (const segment of project.segments) {
    const kind = segment.pendingBytes > 0 ? kindOf(segment, now) : null;
    if (kind === null) continue;
    const key = `${kind} ${segment.state.writer?.server}`;
    const group = groups.get(key);
    if (group) group.segments.push(segment);
    else groups.set(key, { kind, segments: [segment] });
  }
  return [...groups.values()].map(({ kind, segments }) => describe(kind, segments, now));
}

function kindOf({ state: { drainer, writer } }: SegmentReport, now: number): Kind | null {
  const drains = drainerNow(drainer, now);
  if (drains !== null) return drains.liveness === "unresponsive" ? "unresponsive" : null;
  if (writer === null) return "no-sender";
  if (writer.liveness === "dead" || writer.liveness === "closed") return "orphaned";
  if (writer.liveness === "remote") return "remote";
  return writer.sends === false ? "no-sender" : "unclaimed";
}

function describe(kind: Kind, segments: readonly SegmentReport[], now: number): Undrained {
  const { writer } = segments[0].state;
  const records = segments.reduce((sum, { pendingRecords }) => sum + pendingRecords, 0);
  const isEstimate = segments.some(({ pendingEstimated }) => pendingEstimated);
  const subject = `${formatRecords(records, isEstimate)}{for}`;
  const server = writer?.server ?? null;
  switch (kind) {
    case "unresponsive": {
      const { drainer } = segments[0].state;
      const last = drainer!.lastHeartbeat;
      const since = last === null ? "" : ` for ${formatDuration(now - last)}`;
      const message = `${subject} wait for ${processName(drainer!)}, which has sent no heartbeat` +
        `${since}: suspended, hung, or unable to write to its disk. They are sent when it continues ` +
        "or ends";
      return { server, level: "warn", kind: "unresponsive", message };
    }
    case "no-sender": {
      const message = writer === null
        ? `${subject} with no process to send them: no sender is running`
        : `${subject} with no process to send them: the sender of the writers is disabled`;
      return { server, level: "warn", kind, message, command: "flush --follow" };
    }
    case "unclaimed": {
      const message = `${subject} of ${namesOf(segments)}, which will send them itself`;
      return { server, level: "info", kind, message };
    }
    case "remote":
      return { server, level: "info", kind, ...ofRemote(subject, segments, writer!, now) };
    case "orphaned": {
      const message = `${subject} orphaned: the processes that wrote them have ended`;
      return { server, level: "warn", kind, message, command: "flush" };
    }
  }
}

function ofRemote(
  subject: string,
  segments: readonly SegmentReport[],
  writer: Writer,
  now: number,
): { message: string; command: string } {
  const of = `${subject} of ${namesOf(segments)}`;
  if (isPresent(writer, now)) {
    return { message: `${of}, which runs elsewhere with its sender off`, command: "flush" };
  }
  const { lastHeartbeat } = writer;
  const since = lastHeartbeat === null
    ? "has no heartbeat"
    : `has sent no heartbeat for ${formatDuration(now - lastHeartbeat)}`;
  return { message: `${of}, which ${since}: a sender presumes it dead`, command: "flush" };
}

function namesOf(segments: readonly SegmentReport[]): string {
  const names = [...new Set(segments.map(({ state }) => processName(state.writer!)))];
  const more = names.length > MAX_NAMES ? " and others" : "";
  return printable(names.slice(0, MAX_NAMES).join(", ")) + more;
}
