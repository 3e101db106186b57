/**
 * Converts a status report to metrics.
 *
 * @module
 */

import { logMetrics, type ProcessFacts, processLabel } from "../../metrics/log_metrics.ts";
import type { MetricSamples } from "../../metrics/exposition.ts";
import { isRunning } from "../../wal/processes/process_status.ts";
import { lossesOf } from "../status/state/log_health.ts";
import { writersOf } from "../status/state/part_summary.ts";
import type { ProjectReport, StatusReport } from "../status/report.ts";
import { drainerNow, reportedSenders } from "../status/state/sender_state.ts";

/** Returns the metrics of a report. */
export function statusMetrics(report: StatusReport): MetricSamples {
  return logMetrics({
    projects: report.projects.map((project) => ({
      entity: project.entity,
      project: project.project,
      pendingRecords: project.pendingRecords,
      pendingEstimated: project.pendingEstimated,
      pendingBytes: project.pendingBytes,
      oldest: project.oldest,
      segments: pendingSegments(project, report.at),
      writers: Object.fromEntries(
        [...writersOf(project)].map(([state, writers]) => [state, writers.length]),
      ),
      deadLetters: project.deadLetters.byReason,
      quota: project.health.quota,
    })),
    processes: [...logsOf(report), ...sendersOf(report)],
  });
}

/** Counts segments with pending records, by the state of their sender. */
function pendingSegments(project: ProjectReport, now: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { drainer: listed, files, pendingBytes } of project.groups) {
    if (pendingBytes === 0) continue;
    const drainer = drainerNow(listed, now);
    const by = drainer === null
      ? "nobody"
      : drainer.liveness === "unresponsive"
      ? "unresponsive"
      : drainer.as;
    counts[by] = (counts[by] ?? 0) + files;
  }
  return counts;
}

function logsOf({ projects }: StatusReport): ProcessFacts[] {
  return projects.flatMap(({ logs }) =>
    logs.map(({ process, log }) => ({
      process: processLabel(process.pid, process.host),
      log: isRunning(process) ? log : {
        ...log,
        dropped: lossesOf({ process, log }),
        memory: { records: 0, bytes: 0 },
        diskError: null,
        syncError: null,
      },
      sender: null,
    }))
  );
}

function sendersOf(report: StatusReport): ProcessFacts[] {
  return reportedSenders(report).map(({ process, report: sender }) => ({
    process: processLabel(process.pid, process.host),
    log: null,
    sender,
  }));
}
