/**
 * Why records are dropped, in words.
 *
 * @module
 */

import type { DropCause } from "./counters.ts";

/**
 * Cause of the records that only the memory of a process held when it ended. The process itself
 * does not count them; commands that read its presence file do.
 */
export const LOST_IN_MEMORY = "lost-in-memory";

const CAUSES: Readonly<Record<DropCause | typeof LOST_IN_MEMORY, string>> = {
  [LOST_IN_MEMORY]: "in memory only when their process ended",
  "quota-new": "maxDiskBytes reached",
  "quota-oldest": "oldest records removed to stay below maxDiskBytes",
  "memory-full": "memory full while the disk took no records",
  "refused-in-memory": "rejected by the server while the log was in memory",
  "closed": "recorded after finish()",
  "failed": "unexpected failure of the log",
};

/** A cause in words; one that this version does not know, as it is. */
export function dropText(cause: string): string {
  return Object.hasOwn(CAUSES, cause) ? CAUSES[cause as DropCause] : cause;
}
