/**
 * Checks whether other users can tamper with a directory.
 *
 * @module
 */

import type { Runtime } from "./runtime.ts";
import type { FileStat } from "./file_types.ts";

const ROOT_USER = 0;
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;

/**
 * Explains why a directory is not safe for a log: it belongs to another user (except root), or
 * every user may add and remove files in it. Follows symbolic links.
 *
 * @returns A predicate about the directory, for a warning; `null` if it is safe or missing, or if
 * its owner and mode are unknown.
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
    // Code that uses the directory gets the error.
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
