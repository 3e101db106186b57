/**
 * Mutations of the parts of `src/delivery` that send what other processes left.
 *
 * @module
 */

import type { Mutation } from "./mutation.ts";

const ROTATION = "delivery/python_rotation_test.ts";

/** The mutations of `src/delivery/recovery` and `src/delivery/dead_letters`. */
export const RECOVERY_MUTATIONS: readonly Mutation[] = [
  {
    file: "src/delivery/recovery/open_drains.ts",
    mistake: "a later segment of Python overtakes one that is being sent",
    find: "segment.mayReorder && segment.isSealed()",
    replace: "segment.mayReorder && false",
    tests: [ROTATION],
  },
  {
    file: "src/delivery/recovery/directory_recovery.ts",
    mistake: "flush() does not wait for segments behind one that is being sent",
    find: "[...behind, ...behindOpen]",
    replace: "[]",
    tests: [ROTATION],
  },
  {
    file: "src/delivery/recovery/directory_recovery.ts",
    mistake: "later segments wait for an end at the end of an earlier one",
    find: "scanner.scan(directory, holdsOwn, this.#held)",
    replace: "scanner.scan(directory, holdsOwn)",
    tests: [ROTATION],
  },
  {
    file: "src/delivery/dead_letters/retry_dead_letters.ts",
    mistake: "the lease of an interrupted retry stays if no dead letter is left",
    find: "stems.length === 0 && !isUnfinished(runtime.files, directory)",
    replace: "stems.length === 0",
    tests: ["delivery/interrupted_retry_test.ts"],
  },
];
