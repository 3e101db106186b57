/**
 * Opens regular files only: whatever somebody put in the place of a file is refused, at once.
 *
 * @module
 */

import { codedError } from "../coded_error.ts";
import type { Stats } from "node:fs";

type Fs = typeof import("node:fs");

/** An open descriptor and the size of its file. */
export interface OpenedFile {
  readonly fd: number;
  /** Bytes, at the time of opening. */
  readonly size: number;
}

/** How a regular file is opened. */
export interface OpenOptions {
  /** Flags of `open(2)` that say what the file is opened for. */
  readonly flags: number;
  /** Whether a symbolic link at the last part of the path is followed. */
  readonly followLinks?: boolean;
}

/** Codes that hosts answer to the opening of a socket, or of a device without a driver. */
const SPECIAL_FILE_CODES = new Set(["ENXIO", "ENODEV", "EOPNOTSUPP", "ENOTSUP"]);

/**
 * Opens a regular file. Opening never waits (`O_NONBLOCK`: a FIFO would block until somebody opens
 * its other end) and follows no link (`O_NOFOLLOW`); what was opened is checked through its
 * descriptor, so nothing can be swapped in between.
 *
 * @throws An error with code `ELOOP` for a symbolic link, `EISDIR` for a directory,
 *   `ERR_NOT_REGULAR_FILE` for a FIFO, a socket or a device, otherwise the host's own.
 */
export function openRegular(fs: Fs, path: string, options: OpenOptions): OpenedFile {
  // Windows has none of these flags, and no FIFOs in its directories.
  const { O_NONBLOCK = 0, O_NOCTTY = 0, O_NOFOLLOW = 0 } = fs.constants;
  const noFollow = options.followLinks ? 0 : O_NOFOLLOW;
  if (noFollow === 0 && !options.followLinks) refuseLink(fs, path);
  const fd = open(fs, path, options.flags | O_NONBLOCK | O_NOCTTY | noFollow);
  try {
    const stats = fs.fstatSync(fd);
    if (!stats.isFile()) throw notRegular(path, stats);
    return { fd, size: stats.size };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

function open(fs: Fs, path: string, flags: number): number {
  try {
    return fs.openSync(path, flags, 0o600);
  } catch (error) {
    const { code } = error as { code?: unknown };
    throw SPECIAL_FILE_CODES.has(String(code)) ? refusal(path, "a socket or a device") : error;
  }
}

function refuseLink(fs: Fs, path: string): void {
  if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw codedError("ELOOP", `Cannot open ${path}: it is a symbolic link`);
  }
}

function notRegular(path: string, stats: Stats): Error {
  if (stats.isDirectory()) return codedError("EISDIR", `Cannot open ${path}: it is a directory`);
  return refusal(path, stats.isFIFO() ? "a FIFO" : "a device");
}

function refusal(path: string, what: string): Error {
  return codedError(
    "ERR_NOT_REGULAR_FILE",
    `Cannot open ${path}: it is ${what}, not a regular file`,
  );
}
