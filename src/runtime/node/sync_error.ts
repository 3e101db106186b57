/**
 * Tells hosts and file systems that cannot sync from syncs that failed.
 *
 * @module
 */

import { codedError, withCode } from "../coded_error.ts";
import { errorCode } from "../../errors.ts";

/** What fsync(2) and the hosts answer where it is refused or missing, whatever the file holds. */
const UNSUPPORTED = new Set([
  // Node under its permission model, whatever was allowed.
  "ERR_ACCESS_DENIED",
  // Hosts that have part of `node:fs`.
  "ERR_METHOD_NOT_IMPLEMENTED",
  "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM",
  // File systems without it (in user space, on a network), and kernels or sandboxes.
  "EINVAL",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
]);

/** Whether the host or the file system cannot sync at all. */
export function cannotSync(error: unknown): boolean {
  return UNSUPPORTED.has(errorCode(withCode(error)) ?? "");
}

/** The error of a failed sync; with code `ENOTSUP` where the host or the file system cannot sync. */
export function syncError(error: unknown): unknown {
  if (!cannotSync(error)) return error;
  const why = error instanceof Error ? error.message : String(error);
  return codedError("ENOTSUP", `This host or file system cannot sync files (${why})`, error);
}
