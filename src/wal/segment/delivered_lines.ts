/**
 * Lines after the checkpoint that are delivered.
 *
 * If the server rejects or fails one record of a batch, the others are delivered without it, which
 * takes several requests. A sender that stops before that record is settled cannot move the
 * checkpoint past it. It notes the lines that were delivered in `<stem>.delivered`, so that the next
 * sender does not send them again: byte offsets in decimal, one per line, replaced atomically. Like
 * the checkpoint, the file is not synced.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/file_system.ts";

/** Reads the delivered lines at or after `from`; none if there is no such file. */
export function readDeliveredLines(files: FileSystem, path: string, from: number): Set<number> {
  let text: string;
  try {
    text = files.readText(path);
  } catch {
    return new Set(); // Without it, lines are sent again.
  }
  const offsets = text.split("\n").filter((line) => /^\d{1,15}$/.test(line)).map(Number);
  return new Set(offsets.filter((offset) => offset >= from));
}

/** Writes the offsets of delivered lines. */
export function writeDeliveredLines(
  files: FileSystem,
  path: string,
  offsets: Iterable<number>,
): void {
  const sorted = [...offsets].sort((a, b) => a - b);
  files.replace(path, sorted.map((offset) => `${offset}\n`).join(""));
}
