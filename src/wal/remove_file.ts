/**
 * Removes files that may no longer exist.
 *
 * @module
 */

import { hasCode } from "../errors.ts";
import type { FileSystem } from "../runtime/file_system.ts";

/** Removes a file, if it exists. */
export function removeIfExists(files: FileSystem, path: string): void {
  try {
    files.remove(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}
