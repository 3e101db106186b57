/**
 * Reads small files whole.
 *
 * @module
 */

import { codedError } from "../coded_error.ts";
import { openRegular } from "./open_regular.ts";
import { MAX_TEXT_BYTES, type ReadTextOptions } from "../runtime.ts";

/** Reads a regular file whole; its size is checked before anything is read. */
export function readText(
  fs: typeof import("node:fs"),
  path: string,
  { maxBytes = MAX_TEXT_BYTES, followLinks }: ReadTextOptions = {},
): string {
  const { fd, size } = openRegular(fs, path, { flags: fs.constants.O_RDONLY, followLinks });
  try {
    if (size > maxBytes) {
      throw codedError(
        "EFBIG",
        `Cannot read ${path}: ${size} bytes, at most ${maxBytes} are allowed`,
      );
    }
    const bytes = new Uint8Array(size);
    let read = 0;
    while (read < size) {
      const count = fs.readSync(fd, bytes, read, size - read, read);
      if (count === 0) break; // Cut meanwhile.
      read += count;
    }
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, read));
  } finally {
    fs.closeSync(fd);
  }
}
