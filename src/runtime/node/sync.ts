/**
 * Syncs directories, and separates hosts that cannot sync from syncs that failed.
 *
 * @module
 */

import { errorCode } from "../../errors.ts";
import { builtin } from "../builtin_modules.ts";
import { codedError, withCode } from "../coded_error.ts";
import type { Fs } from "./regular_file.ts";

/** Codes of hosts and file systems that refuse every sync, whatever the file holds. */
const UNSUPPORTED = [
  // Node under its permission model, whatever was allowed.
  "ERR_ACCESS_DENIED",
  // Hosts that have part of `node:fs`.
  "ERR_METHOD_NOT_IMPLEMENTED",
  "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM",
  // Some file systems in user space and on networks, some kernels and sandboxes.
  "EINVAL",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
];

/** The error of a failed sync; with code `ENOTSUP` where the host or the file system cannot sync. */
export function syncError(error: unknown): unknown {
  const unsupported = UNSUPPORTED.includes(errorCode(error) ?? errorCode(withCode(error)) ?? "");
  if (!unsupported) return error;
  const why = (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
  return codedError("ENOTSUP", `This host or file system cannot sync files (${why})`, error);
}

/** Syncs a directory's names off the event loop; does nothing where that is not supported. */
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

/** Syncs a directory's names; does nothing where that is not supported. */
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
 * Opens a directory; everything else is refused with `ENOTDIR` before it is opened. `null` on
 * Windows, which cannot open directories (NTFS journals names by itself).
 */
function openDirectory(fs: Fs, path: string): number | null {
  if (builtin("node:process").platform === "win32") return null;
  return fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
}

function throwFailed(error: unknown): void {
  if (errorCode(syncError(error)) !== "ENOTSUP") throw error;
}
