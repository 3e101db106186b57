/**
 * Files that settings are read from: small and regular, or refused at once.
 *
 * @module
 */

import { errorCode, WeaveWalError } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** Codes for a file that is not there, or that the host may not read. */
const ABSENT = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ENOSYS"]);

/** Codes for a file that is there and is not read, and the reason in words. */
const REFUSED: Readonly<Record<string, string>> = {
  ELOOP: "it is a symbolic link",
  EISDIR: "it is a directory",
  ERR_NOT_REGULAR_FILE: "it is not a regular file",
  EFBIG: "it is larger than 1 MiB",
};

/**
 * Returns the text of a file in a directory that others may have written; no link is followed.
 *
 * @returns `null` where there is no file, or where the host may not read it.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for a file that is not regular or too large.
 */
export function readProjectFile(runtime: Runtime, path: string): string | null {
  if (!runtime.process.allows({ kind: "read", path })) return null;
  try {
    return runtime.files.readText(path);
  } catch (cause) {
    const code = errorCode(cause) ?? "";
    if (ABSENT.has(code)) return null;
    const why = REFUSED[code] ?? (cause instanceof Error ? cause.message : String(cause));
    const message = `Cannot read settings of ${path}: ${why}`;
    throw new WeaveWalError("ERR_INVALID_OPTION", message, { cause });
  }
}

/**
 * Returns the text of a file in the user's home directory, which may be a link (as managers of
 * dotfiles make them).
 *
 * @returns `null` where there is none, or where it cannot be read.
 */
export function readHomeFile(runtime: Runtime, path: string): string | null {
  if (!runtime.process.allows({ kind: "read", path })) return null;
  try {
    return runtime.files.readText(path, { followLinks: true });
  } catch {
    return null;
  }
}
