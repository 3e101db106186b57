/**
 * Mutations of `src/delivery`, found while the disk fails.
 *
 * @module
 */

import type { Mutation } from "./mutation.ts";

const DISK_ERRORS = "wal/log/disk_error_test.ts";

/** The mutations of what the sender does on a failing disk. */
export const DELIVERY_DISK_MUTATIONS: readonly Mutation[] = [
  {
    file: "src/delivery/sender.ts",
    mistake: "the next segment waits until a delivered one can be removed",
    find: 'if (end === "holding" || drain.isSettled)',
    replace: 'if (end === "holding")',
    tests: [DISK_ERRORS],
  },
  {
    file: "src/delivery/drain/late_removals.ts",
    mistake: "a delivered segment is not removed when the disk works again",
    find: "const removal = await removeSegment(segment, this.#options);",
    replace: 'const removal = "failed" as Removal;',
    tests: [DISK_ERRORS],
  },
];
