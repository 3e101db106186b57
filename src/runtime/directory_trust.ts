/**
 * Whether other users can meddle with a directory.
 *
 * @module
 */

import type { Runtime } from "./runtime.ts";
import type { FileStat } from "./file_types.ts";

const ROOT_USER = 0;
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;

/**
 * Tells why a directory should not be trusted with a log: it belongs to another user (other than
 * root), or every user may add and remove names in it. A symbolic link is followed.
 *
 * @returns The rest of a sentence about the directory, for a warning; `null` for a directory that is
 *   safe or missing, and where its owner and mode are unknown.
 *
 * @example
 * ```ts
 * import { detectRuntime } from "./detect.ts";
 * import { distrustReason } from "./directory_trust.ts";
 *
 * const reason = distrustReason(detectRuntime(), "src");
 * if (reason !== null) console.warn(`src: ${reason}`);
 * ```
 */
export function distrustReason(
  { files, process }: Pick<Runtime, "files" | "process">,
  directory: string,
): string | null {
  let stat: FileStat | null = null;
  try {
    stat = files.stat(directory, { followLinks: true });
  } catch {
    // The code that uses the directory gets the error.
  }
  if (stat === null || stat.mode === null) return null;
  const { owner, mode } = stat;
  const { user } = process;
  if (user !== null && owner !== user && owner !== ROOT_USER) {
    return `it belongs to user ${owner}, and this process runs as user ${user}`;
  }
  if ((mode & WRITABLE_BY_ALL) !== 0 && (mode & STICKY) === 0) {
    return `every user may write to it (mode ${mode.toString(8).padStart(4, "0")})`;
  }
  return null;
}
