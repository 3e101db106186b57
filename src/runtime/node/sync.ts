/**
 * Syncs directories, and distinguishes missing support for syncing from a failed sync.
 *
 * @module
 */

import { errorCode, messageOf } from "../../errors.ts";
import { builtin } from "../builtin_modules.ts";
import { codedError, withCode } from "../coded_error.ts";
import type { Fs } from "./regular_file.ts";

/** Error codes of runtimes and file systems that do not support syncing. */
const UNSUPPORTED = [
  // Node's permission model, regardless of the permissions granted.
  "ERR_ACCESS_DENIED",
  // Runtimes with only part of `node:fs`.
  "ERR_METHOD_NOT_IMPLEMENTED",
  "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM",
  // Some network and user-space file systems, kernels and sandboxes.
  "EINVAL",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
];

/** Returns the error of a failed sync, with code `ENOTSUP` if syncing is not supported. */
export function syncError(error: unknown): unknown {
  const unsupported = UNSUPPORTED.includes(errorCode(error) ?? errorCode(withCode(error)) ?? "");
  if (!unsupported) return error;
  const why = messageOf(error).replace(/\.$/, "");
  return codedError("ENOTSUP", `This host or file system cannot sync files (${why})`, error);
}

/** Syncs a directory off the event loop; does nothing if that is not supported. */
export async function syncDirectory(fs: Fs, path: string): Promise<void> {
  const fd = openDirectory(fs, path);
  if (fd === null) return;
  try {
    await new Promise<void>((resolve, reject) => {
      fs.fsync(fd, (error) => error ? reject(error) : resolve());
    });
  } catch (error) {
    throwFailed(error);
  } finally {
    fs.closeSync(fd);
  }
}

/** Syncs a directory; does nothing if that is not supported. */
export function syncDirectoryNow(fs: Fs, path: string): void {
  const fd = openDirectory(fs, path);
  if (fd === null) return;
  try {
    fs.fsyncSync(fd);
  } catch (error) {
    throwFailed(error);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Opens a directory; fails with `ENOTDIR` for anything else. Returns `null` on Windows, which
 * cannot open directories (NTFS journals names).
 */
function openDirectory(fs: Fs, path: string): number | null {
  if (builtin("node:process").platform === "win32") return null;
  return fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
}

function throwFailed(error: unknown): void {
  if (errorCode(syncError(error)) !== "ENOTSUP") throw error;
}
