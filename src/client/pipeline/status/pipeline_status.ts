/**
 * The state of a pipeline: pending records, and the reports of its log and its sender.
 *
 * @module
 */

import type { CircuitBreaker } from "../../../delivery/http/circuit_breaker.ts";
import type { Sender } from "../../../delivery/sender.ts";
import type { LogReport, SenderReport } from "../../../wal/processes/presence_state.ts";
import type { Waiting } from "../../../wal/segment/waiting_counter.ts";
import type { CreatedLog } from "../log/create_log.ts";
import type { ProjectDisk } from "../log/project_disk.ts";
import type { FlushResult, PipelineOptions, PipelineReports, WalStats } from "../pipeline.ts";
import type { PipelineCounters } from "./counters.ts";
import type { PendingPlaces } from "./event_reporter.ts";

/** Maximum number of recounts of pending records that changed during the count. */
const MAX_COUNTS = 5;

/** Options for {@linkcode PipelineStatus}. */
export interface PipelineStatusOptions {
  readonly pipeline: PipelineOptions;
  readonly counters: PipelineCounters;
  readonly logs: CreatedLog;
  readonly sender: Sender | null;
  readonly breaker: CircuitBreaker;
  /** `null` if records are only kept in memory. */
  readonly disk: ProjectDisk | null;
}

/** Answers queries about a pipeline. Read-only. */
export class PipelineStatus {
  readonly #options: PipelineStatusOptions;

  constructor(options: PipelineStatusOptions) {
    this.#options = options;
  }

  /** Returns statistics. */
  async stats(): Promise<WalStats> {
    const { counters, sender, disk, logs, pipeline: { runtime: { clock } } } = this.#options;
    await disk?.quota.refresh();
    // Without a sender, this process does not know what another process has delivered.
    const oldest = sender === null ? counters.firstAppend : await sender.oldestPending();
    // Last, so that the counters read after it match.
    const { records, bytes, isEstimate } = await this.#pending("all");
    const { appended, delivered, deadLettered, dropped } = counters;
    const { lastDelivery, lastError, server, diskError, syncError } = counters;
    return {
      log: logs.log.kind,
      pendingRecords: records,
      pendingBytes: bytes,
      ...(isEstimate ? { pendingEstimated: true } : {}),
      oldestPendingMs: oldest === null || records === 0 ? null : Math.max(0, clock.now() - oldest),
      appended,
      delivered,
      deadLettered,
      deadLettersByReason: { ...counters.deadLettersByReason },
      dropped: { ...dropped },
      lastDelivery,
      lastError,
      server: { ...server, nextAttempt: this.#nextAttempt() },
      memory: logs.memory.pending,
      diskError,
      syncError,
      disk: disk?.usage ?? null,
    };
  }

  /** Returns the reports for other processes. */
  reports(): PipelineReports {
    const { pid, host } = this.#options.pipeline.runtime.process;
    return { pid, host, log: this.logReport(), sender: this.senderReport() };
  }

  /** Returns the report of the sender; `null` if there is none. */
  senderReport(): SenderReport | null {
    const { sender, counters, pipeline: { serverUrl } } = this.#options;
    if (sender === null) return null;
    const { delivered, deadLettered, lastDelivery, lastError, server } = counters;
    return {
      server: serverUrl,
      ...server,
      nextAttempt: this.#nextAttempt(),
      delivered,
      deadLettered,
      lastDelivery,
      lastError,
    };
  }

  /** Returns the report of the log. */
  logReport(): LogReport {
    const { counters, logs, pipeline, disk } = this.#options;
    const { entity, project, quotaPolicy: policy } = pipeline;
    const { appended, dropped, diskError, syncError } = counters;
    return {
      entity,
      project,
      kind: logs.log.kind,
      diskError,
      syncError,
      appended,
      memory: logs.memory.pending,
      dropped: Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0)),
      quota: { ...disk?.usage ?? { usedBytes: 0, maxBytes: 0, fullAt: null }, policy },
    };
  }

  /** Returns the result of a flush; `reason` is why it is not done. */
  async flushResult(reason: FlushResult["reason"], scope: "held" | "all"): Promise<FlushResult> {
    const { records, bytes, isEstimate } = await this.#pending(scope);
    const { delivered, deadLettered } = this.#options.counters;
    return {
      done: reason === undefined,
      pendingBytes: bytes,
      pendingRecords: records,
      ...(isEstimate ? { pendingEstimated: true } : {}),
      delivered,
      deadLettered,
      ...(reason === undefined ? {} : { reason }),
    };
  }

  /** Returns the number of pending records of this process, by location. */
  async pendingPlaces(): Promise<PendingPlaces> {
    const { sender, logs } = this.#options;
    const all = await sender?.pendingOwn() ?? logs.log.written;
    const { records: memory } = logs.memory.pending;
    return { disk: Math.max(0, all.records - memory), memory };
  }

  async #pending(scope: "held" | "all"): Promise<Waiting> {
    const { sender, logs, counters } = this.#options;
    if (sender === null) return { ...logs.log.written, isEstimate: false };
    for (let tries = 1;; tries++) {
      const before = counters.movements;
      const waiting = await sender.pending(scope);
      // Records that were settled or appended during the count would be counted twice or not at
      // all.
      if (before === counters.movements || tries === MAX_COUNTS) return waiting;
    }
  }

  /** Time of the next attempt, epoch ms; `null` while the server is up. */
  #nextAttempt(): number | null {
    const { breaker, pipeline: { runtime: { clock } } } = this.#options;
    const ms = breaker.msToNextAttempt;
    return ms === null ? null : clock.now() + ms;
  }
}
