/**
 * Mutants that remove delivered logs or dead-letter records incorrectly.
 *
 * @module
 */

import { Suspects } from "../../../src/delivery/records/suspects.ts";
import type { FileSystem } from "../../../src/runtime/file_system.ts";
import { DeadLetterTransaction } from "../../../src/wal/dead_letters/dead_letter_transaction.ts";
import { DeadLetterFile } from "../../../src/wal/dead_letters/dead_letter_file.ts";
import type { Bug } from "./mutant.ts";
import { instead, patch, withAppends, withReads } from "./make.ts";

/** Removes the sidecar files of a log. */
function removeBeside(files: FileSystem, path: string, endings: readonly string[]): void {
  for (const ending of endings) {
    const beside = path.replace(/jsonl$/, ending);
    if (files.stat(beside) !== null) files.remove(beside);
  }
}

/** Mutants of removing logs. */
export const REMOVAL_BUGS: readonly Bug[] = [
  {
    name: "removed-when-read",
    mistake: "a log is removed when it is read, not when it is delivered",
    breaks: ["removed"],
    seeds: 100,
    files: (files) =>
      withReads(files, (file, path) => ({
        read: async (offset, into) => {
          const count = await file.read(offset, into);
          const closed = files.stat(path.replace(/jsonl$/, "lock")) === null;
          const last = closed && offset + count >= file.size();
          if (last && files.stat(path) !== null) files.remove(path);
          return count;
        },
      })),
  },
  {
    name: "sidecars-first",
    mistake: "the checkpoint is removed before the log, and a crash in between sends all again",
    breaks: ["resent"],
    seeds: 2_000,
    from: 17_130,
    files: (files) =>
      instead(files, {
        discard: (path) => {
          removeBeside(files, path, ["checkpoint"]);
          files.discard(path);
        },
      }),
  },
  {
    name: "dead-letters-removed",
    mistake: "dead letters go with the log that they came from (Weave Python)",
    breaks: ["lost"],
    seeds: 100,
    files: (files) =>
      instead(files, {
        discard: (path) => {
          files.discard(path);
          removeBeside(files, path, ["deadletter"]);
        },
      }),
  },
  {
    name: "dead-letter-unsynced",
    mistake: "the checkpoint passes a dead letter that is not on stable storage",
    breaks: ["unsynced", "lost"],
    seeds: 3_000,
    files: (files) =>
      withAppends(
        files,
        (_, path) => path.endsWith(".deadletter") ? { dataSync: () => Promise.resolve() } : {},
      ),
  },
  {
    name: "dead-letter-forgotten",
    mistake: "a record that was dead-lettered before a crash is sent again after it",
    breaks: ["after-dead-letter"],
    seeds: 3_000,
    from: 420,
    patch: () => patch(DeadLetterFile.prototype, "offsets", () => () => new Set<number>()),
  },
  {
    name: "retry-forgets",
    mistake: "dead letters that are refused again when they are sent again are forgotten",
    breaks: ["lost"],
    seeds: 500,
    patch: () =>
      patch(
        DeadLetterTransaction.prototype,
        "replace",
        () =>
          function (this: DeadLetterTransaction, replacements) {
            this.remove(replacements.map(([entry]) => entry));
            return Promise.resolve();
          },
      ),
  },
  {
    name: "suspect-counts-as-delivered",
    mistake: "a record that fails is among those that were delivered ahead of the checkpoint",
    breaks: ["removed", "lost"],
    seeds: 500,
    patch: () =>
      patch(Suspects.prototype, "add", (add) =>
        function (this: Suspects, suspect, failure) {
          this.accepted([suspect.record]);
          add.call(this, suspect, failure);
        }),
  },
  {
    name: "retry-not-put-back",
    mistake: "dead letters of an interrupted retry are not put back",
    breaks: ["lost", "leftover"],
    seeds: 1_000,
    patch: () => patch(DeadLetterTransaction.prototype, "rollback", () => () => Promise.resolve()),
  },
];
