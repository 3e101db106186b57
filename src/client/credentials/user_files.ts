/**
 * Reads settings files, which must be small and regular.
 *
 * @module
 */

import { errorCode, messageOf, WeaveWalError } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** Error codes for a file that does not exist, or that may not be read. */
const ABSENT = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ENOSYS"]);

/** Error codes for a file that exists but is refused, and the reasons. */
const REFUSED: Readonly<Record<string, string>> = {
  ELOOP: "it is a symbolic link",
  EISDIR: "it is a directory",
  ERR_NOT_REGULAR_FILE: "it is not a regular file",
  EFBIG: "it is larger than 1 MiB",
};

/**
 * Returns the text of a file in a directory that others may be able to write to; does not follow
 * links.
 *
 * @returns `null` if the file does not exist or may not be read.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for a file that is not regular or too large.
 */
export function readProjectFile(runtime: Runtime, path: string): string | null {
  if (!runtime.process.allows({ kind: "read", path })) return null;
  try {
    return runtime.files.readText(path);
  } catch (cause) {
    const code = errorCode(cause) ?? "";
    if (ABSENT.has(code)) return null;
    const why = REFUSED[code] ?? messageOf(cause);
    const message = `Cannot read settings of ${path}: ${why}`;
    throw new WeaveWalError("ERR_INVALID_OPTION", message, { cause });
  }
}

/**
 * Returns the text of a file in the user's home directory. It may be a link, as dotfile managers
 * create them.
 *
 * @returns `null` if it does not exist or cannot be read.
 */
export function readHomeFile(runtime: Runtime, path: string): string | null {
  if (!runtime.process.allows({ kind: "read", path })) return null;
  try {
    return runtime.files.readText(path, { followLinks: true });
  } catch {
    return null;
  }
}
