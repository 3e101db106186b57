/**
 * Opens regular files only; refuses anything else at once.
 *
 * @module
 */

import { errorCode } from "../../errors.ts";
import { codedError } from "../coded_error.ts";
import { MAX_TEXT_BYTES, type ReadTextOptions } from "../file_types.ts";

/** The module `node:fs`. */
export type Fs = typeof import("node:fs");

/** Error codes when opening a socket, or a device without a driver. */
const SPECIAL_FILE_CODES = ["ENXIO", "ENODEV", "ENOTSUP", "EOPNOTSUPP"];

/**
 * Opens a regular file. Opening never blocks (`O_NONBLOCK`: a FIFO would block until another
 * process opens the other end) and does not follow links (`O_NOFOLLOW`). The type is checked
 * through the descriptor, so that the file cannot be swapped in between.
 *
 * @param flags Access flags of open(2).
 * @param followLinks Whether to follow a symbolic link in the last part of the path.
 * @returns The descriptor, and the file's size in bytes.
 * @throws An error with code `ELOOP` for a symbolic link, `EISDIR` for a directory,
 * `ERR_NOT_REGULAR_FILE` for a FIFO, a socket or a device, otherwise the runtime's error.
 */
export function openRegular(
  fs: Fs,
  path: string,
  flags: number,
  followLinks = false,
): { fd: number; size: number } {
  // Windows has none of these flags, and no FIFOs in directories.
  const { O_NONBLOCK = 0, O_NOCTTY = 0, O_NOFOLLOW = 0 } = fs.constants;
  const isLink = () => fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
  if (!followLinks && O_NOFOLLOW === 0 && isLink()) throw refusal(path, "ELOOP");
  let fd: number;
  try {
    fd = fs.openSync(path, flags | O_NONBLOCK | O_NOCTTY | (followLinks ? 0 : O_NOFOLLOW), 0o600);
  } catch (error) {
    const code = errorCode(error) ?? "";
    if (code === "ELOOP" && !followLinks) throw refusal(path, code);
    throw SPECIAL_FILE_CODES.includes(code) ? refusal(path, "ERR_NOT_REGULAR_FILE") : error;
  }
  try {
    const stats = fs.fstatSync(fd);
    if (stats.isFile()) return { fd, size: stats.size };
    throw refusal(path, stats.isDirectory() ? "EISDIR" : "ERR_NOT_REGULAR_FILE");
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

const REFUSALS = {
  ELOOP: "it is a symbolic link",
  EISDIR: "it is a directory",
  ERR_NOT_REGULAR_FILE: "it is not a regular file (a FIFO, a socket or a device)",
};

function refusal(path: string, code: keyof typeof REFUSALS): Error {
  return codedError(code, `Cannot open ${path}: ${REFUSALS[code]}`);
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** Receives the bytes of small files, of which there may be a hundred thousand, until they are text. */
const small = new Uint8Array(16 * 1024);

/** Reads a whole regular file, after checking its size. */
export function readText(
  fs: Fs,
  path: string,
  { maxBytes = MAX_TEXT_BYTES, followLinks }: ReadTextOptions = {},
): string {
  const { fd, size } = openRegular(fs, path, fs.constants.O_RDONLY, followLinks);
  try {
    if (size > maxBytes) {
      throw codedError(
        "EFBIG",
        `Cannot read ${path}: it has ${size} bytes, and at most ${maxBytes} are read`,
      );
    }
    const bytes = size <= small.length ? small : new Uint8Array(size);
    let read = 0;
    while (read < size) {
      const count = fs.readSync(fd, bytes, read, size - read, read);
      if (count === 0) break; // Truncated meanwhile.
      read += count;
    }
    return decoder.decode(bytes.subarray(0, read));
  } finally {
    fs.closeSync(fd);
  }
}
