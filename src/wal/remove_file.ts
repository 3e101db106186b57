/**
 * Removal of files that may not exist any more.
 *
 * @module
 */

import { hasCode } from "../errors.ts";
import type { FileSystem } from "../runtime/runtime.ts";

/** Removes a file; one that does not exist counts as removed. */
export function removeIfExists(files: FileSystem, path: string): void {
  try {
    files.remove(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}
