/**
 * The pipeline of a disabled client.
 *
 * @module
 */

import type { FlushResult, Pipeline, PipelineReports, WalStats } from "./pipeline.ts";
import { noDrops } from "./status/counters.ts";

const NOTHING: FlushResult = {
  done: true,
  pendingBytes: 0,
  pendingRecords: 0,
  delivered: 0,
  deadLettered: 0,
};

const NO_STATS: WalStats = {
  log: "memory",
  pendingRecords: 0,
  pendingBytes: 0,
  oldestPendingMs: null,
  appended: 0,
  delivered: 0,
  deadLettered: 0,
  deadLettersByReason: {},
  dropped: noDrops(),
  lastDelivery: null,
  lastError: null,
  server: { state: "up", reason: "", since: 0, nextAttempt: null },
  memory: { records: 0, bytes: 0 },
  diskError: null,
  syncError: null,
  disk: null,
};

const NO_REPORTS: PipelineReports = {
  pid: null,
  host: null,
  log: {
    entity: "",
    project: "",
    kind: "memory",
    diskError: null,
    syncError: null,
    appended: 0,
    memory: { records: 0, bytes: 0 },
    dropped: {},
    quota: { usedBytes: 0, maxBytes: 0, policy: "drop-new", fullAt: null },
  },
  sender: null,
};

/** Discards all records. */
export const nullPipeline: Pipeline = {
  append: () => {},
  sync: () => Promise.resolve(),
  stats: () => Promise.resolve(NO_STATS),
  reports: () => NO_REPORTS,
  finalDigest: (digest) => digest,
  retryDeadLetters: () =>
    Promise.resolve({ delivered: 0, refused: 0, unreadable: 0, busy: [], stopped: false }),
  delivered: () => Promise.resolve({ end: "delivered" }),
  flush: () => Promise.resolve(NOTHING),
  finish: () => Promise.resolve(NOTHING),
};
