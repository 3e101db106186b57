/**
 * Converts reports of logs, processes and senders to metrics.
 *
 * @module
 */

import type { LogReport, SenderReport } from "../wal/processes/presence_state.ts";
import { VERSION } from "../version.ts";
import { MetricSamples } from "./exposition.ts";
import { METRICS } from "./metric_list.ts";

/** Values of a project. */
export interface ProjectFacts {
  readonly entity: string;
  readonly project: string;
  readonly pendingRecords: number;
  /** Whether `pendingRecords` is an estimate. */
  readonly pendingEstimated: boolean;
  readonly pendingBytes: number;
  /** Time at which the oldest pending record was written, epoch ms; `null` if none is pending. */
  readonly oldest: number | null;
  /** Number of segments with pending records, by the process that sends them. */
  readonly segments?: Readonly<Record<string, number>>;
  /** Number of writers by state. */
  readonly writers?: Readonly<Record<string, number>>;
  /** Number of dead letters by reason. */
  readonly deadLetters?: Readonly<Record<string, number>>;
  /** Usage of `maxDiskBytes`; `null` if no process reports it. */
  readonly quota: Omit<LogReport["quota"], "policy"> & { readonly policy?: string } | null;
}

/** A process that writes or sends. */
export interface ProcessFacts {
  /** Process ID and host: see {@linkcode processLabel}. */
  readonly process: string;
  readonly log: LogReport | null;
  readonly sender: SenderReport | null;
}

/** The input for {@linkcode logMetrics}. */
export interface MetricFacts {
  readonly projects: readonly ProjectFacts[];
  readonly processes: readonly ProcessFacts[];
}

/** Returns the value of the label `process`. */
export function processLabel(pid: number | null, host: string | null): string {
  return `${pid ?? "unknown"}@${host ?? "unknown"}`;
}

/** Returns the metrics for these facts. */
export function logMetrics({ projects, processes }: MetricFacts): MetricSamples {
  const samples = new MetricSamples();
  samples.add(METRICS.build, [VERSION], 1);
  for (const facts of projects) addProject(samples, facts);
  for (const { process, log, sender } of processes) {
    if (log !== null) addLog(samples, process, log);
    if (sender !== null) addSender(samples, process, sender);
  }
  return samples;
}

function addProject(samples: MetricSamples, facts: ProjectFacts): void {
  const { entity, project, quota } = facts;
  const labels = [entity, project];
  samples.add(METRICS.pendingRecords, labels, facts.pendingRecords);
  samples.add(METRICS.pendingEstimated, labels, facts.pendingEstimated ? 1 : 0);
  samples.add(METRICS.pendingBytes, labels, facts.pendingBytes);
  samples.time(METRICS.oldestPending, labels, facts.oldest);
  const counts = [
    [METRICS.segments, facts.segments],
    [METRICS.writers, facts.writers],
    [METRICS.deadLetters, facts.deadLetters],
  ] as const;
  for (const [metric, byLabel] of counts) {
    for (const [label, count] of Object.entries(byLabel ?? {})) {
      samples.add(metric, [...labels, label], count);
    }
  }
  if (quota === null || quota.maxBytes === 0) return;
  samples.add(METRICS.quotaUsed, labels, quota.usedBytes);
  samples.add(METRICS.quotaLimit, labels, quota.maxBytes);
  samples.time(METRICS.quotaFull, labels, quota.fullAt);
}

function addLog(samples: MetricSamples, process: string, log: LogReport): void {
  const { entity, project, appended, dropped, memory, diskError, syncError } = log;
  const labels = [entity, project, process];
  samples.add(METRICS.appended, labels, appended);
  for (const [cause, count] of Object.entries(dropped)) {
    samples.add(METRICS.dropped, [...labels, cause], count);
  }
  samples.add(METRICS.memoryRecords, labels, memory.records);
  samples.add(METRICS.memoryBytes, labels, memory.bytes);
  if (diskError !== null) samples.add(METRICS.diskFailing, [...labels, diskError.code], 1);
  if (syncError !== null) samples.add(METRICS.syncFailing, [...labels, syncError.code], 1);
}

const STATES = ["up", "down", "blocked"] as const;

function addSender(samples: MetricSamples, process: string, report: SenderReport): void {
  const labels = [report.server, process];
  for (const state of STATES) {
    samples.add(METRICS.senderState, [...labels, state], state === report.state ? 1 : 0);
  }
  samples.time(METRICS.senderStateSince, labels, report.since === 0 ? null : report.since);
  samples.time(METRICS.nextAttempt, labels, report.nextAttempt);
  samples.add(METRICS.delivered, labels, report.delivered);
  samples.add(METRICS.deadLettered, labels, report.deadLettered);
  samples.time(METRICS.lastDelivery, labels, report.lastDelivery);
}
