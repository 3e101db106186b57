/**
 * Input from which every metric is produced.
 *
 * @module
 */

import type { MetricFacts } from "../../../src/metrics/log_metrics.ts";

/** Every problem at once. */
export const FACTS: MetricFacts = {
  projects: [{
    entity: "acme",
    project: "chat",
    pendingRecords: 12,
    pendingEstimated: false,
    pendingBytes: 7_440,
    oldest: 1_790_000_000_500,
    segments: { writer: 1, nobody: 2 },
    writers: { alive: 1, dead: 2 },
    deadLetters: { rejected: 3 },
    quota: { usedBytes: 900, maxBytes: 1_000, policy: "drop-new", fullAt: 1_790_000_600_000 },
  }],
  processes: [{
    process: "4711@web-1",
    log: {
      entity: "acme",
      project: "chat",
      kind: "memory",
      diskError: { message: "ENOSPC: no space left", code: "ENOSPC", at: 1_790_000_000_000 },
      syncError: { message: "ENOTSUP: not supported", code: "ENOTSUP", at: 1_790_000_000_000 },
      appended: 40,
      memory: { records: 5, bytes: 3_100 },
      dropped: { "quota-new": 7, "memory-full": 1 },
      quota: { usedBytes: 900, maxBytes: 1_000, policy: "drop-new", fullAt: null },
    },
    sender: {
      server: "https://trace.wandb.ai",
      state: "down",
      reason: "Cannot connect",
      since: 1_790_000_001_000,
      nextAttempt: 1_790_000_030_000,
      delivered: 28,
      deadLettered: 3,
      lastDelivery: 1_790_000_000_000,
      lastError: null,
    },
  }],
};
