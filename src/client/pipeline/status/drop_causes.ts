/**
 * Descriptions of the causes for dropping records.
 *
 * @module
 */

import type { DropCause } from "./counters.ts";

/**
 * Cause for records that existed only in a process's memory when it ended. The process itself does
 * not count them; commands that read its presence file do.
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

/** Returns the description of a cause; a cause unknown to this version is returned unchanged. */
export function dropText(cause: string): string {
  return Object.hasOwn(CAUSES, cause) ? CAUSES[cause as DropCause] : cause;
}
