/**
 * Mutants that write or read the log incorrectly.
 *
 * @module
 */

import { DiskQuota } from "../../../src/wal/quota/disk_quota.ts";
import type { RecordBatch } from "../../../src/wal/record/record_batch.ts";
import { BatchReader } from "../../../src/wal/record/batch_reader.ts";
import type { Bug } from "./mutant.ts";
import { instead, patch, withAppends, withReads } from "./make.ts";

/** The last batch that each reader returned. */
const lastBatches = new WeakMap<BatchReader, RecordBatch>();
const resolved = (): Promise<void> => Promise.resolve();

/** Mutants of writing and reading the log. */
export const DISK_BUGS: readonly Bug[] = [
  {
    name: "no-data-sync",
    mistake: "a data sync does nothing (bun#36485)",
    breaks: ["unsynced"],
    seeds: 100,
    files: (files) => withAppends(files, () => ({ dataSync: resolved, dataSyncNow: () => {} })),
  },
  {
    name: "no-directory-sync",
    mistake: "the names of new files are never forced to stable storage",
    breaks: ["unsynced"],
    seeds: 100,
    files: (files) => instead(files, { syncDirectory: resolved, syncDirectoryNow: () => {} }),
  },
  {
    name: "sync-error-swallowed",
    mistake: "a data sync that fails passes for done",
    breaks: ["unsynced"],
    seeds: 2_000,
    from: 4_300,
    files: (files) =>
      withAppends(files, (file) => ({ dataSync: () => file.dataSync().catch(() => {}) })),
  },
  {
    name: "interval-needs-append",
    mistake: "the interval sync waits for another append that may never come",
    breaks: ["unsynced"],
    seeds: 300,
    clock: (clock, { fsyncIntervalMs }) =>
      instead(clock, {
        after: (ms, run) => ms === fsyncIntervalMs ? { cancel: () => {} } : clock.after(ms, run),
      }),
  },
  {
    name: "short-write-ignored",
    mistake: "a write that took fewer bytes passes for whole",
    breaks: ["lost", "removed", "spins", "flush", "pending", "dead-letter", "checkpoint"],
    seeds: 300,
    from: 115,
    files: (files) =>
      withAppends(files, (file) => ({
        write: (text) => {
          const { length } = file.write(text);
          return { written: length, length };
        },
      })),
  },
  {
    name: "fragment-left",
    mistake: "a failed append leaves what it wrote in the log (prometheus#13027)",
    breaks: ["removed", "dead-letter", "lost"],
    seeds: 1_000,
    files: (files) => withAppends(files, () => ({ truncate: () => {} })),
  },
  {
    name: "spoilt-lines",
    mistake: "lines that became a request's body are looked at without reading them again",
    breaks: ["dead-letter", "removed", "lost", "order", "checkpoint", "spins"],
    seeds: 500,
    patch: () => patch(BatchReader.prototype, "restore", () => () => Promise.resolve(true)),
  },
  {
    name: "buffer-reused",
    mistake: "what is read next goes where a batch's request is still under way",
    breaks: ["lost", "dead-letter", "removed", "order", "resent"],
    seeds: 1_000,
    from: 120,
    patch: () =>
      patch(
        BatchReader.prototype,
        "next",
        (original) =>
          async function (this: BatchReader, sealed) {
            const last = lastBatches.get(this);
            const batch = await original.call(this, sealed);
            if (batch === null) return null;
            lastBatches.set(this, batch);
            if (last && last.bytes !== batch.bytes) {
              last.bytes.set(batch.bytes.subarray(0, last.bytes.length));
            }
            return batch;
          },
      ),
  },
  {
    name: "checkpoint-trusted",
    mistake: "a checkpoint in the middle of a record is trusted",
    breaks: ["lost", "dead-letter", "removed", "order"],
    seeds: 2_000,
    from: 4_540,
    files: (files) => withReads(files, () => ({ byteAt: () => 10 })),
  },
  {
    name: "checkpoint-in-place",
    mistake: "a checkpoint is removed before the new one is written",
    breaks: ["resent"],
    seeds: 500,
    from: 60,
    files: (files) =>
      instead(files, {
        replace: (path, text) => {
          if (!path.endsWith(".checkpoint")) return files.replace(path, text);
          if (files.stat(path) !== null) files.remove(path);
          files.replace(path, text);
        },
      }),
  },
  {
    name: "quota-drifts",
    mistake: "the size of the log is never counted again (vector#25767)",
    breaks: ["counters"],
    seeds: 1_000,
    patch: () =>
      patch(DiskQuota.prototype, "recount", (original) => {
        const counted = new WeakMap<DiskQuota, Promise<void>>();
        return function (this: DiskQuota) {
          const count = counted.get(this) ?? original.call(this);
          counted.set(this, count);
          return count;
        };
      }),
  },
];
