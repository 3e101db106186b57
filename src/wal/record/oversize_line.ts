/**
 * Lines that are too long to be read into memory.
 *
 * @module
 */

import type { Segment } from "../segment/segment.ts";
import { findNewline } from "./record.ts";

const BUFFER_BYTES = 1024 * 1024;

/**
 * Returns the byte offset of the first newline of `segment` from `from` on, and whether there is
 * one in front of `end`; otherwise the offset at which the data ends. Rejects with the disk's
 * error.
 */
export async function findLineEnd(
  segment: Segment,
  from: number,
  end: number,
): Promise<{ readonly at: number; readonly found: boolean }> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  let at = from;
  while (at < end) {
    const count = await segment.read(at, buffer);
    if (count === 0) break;
    const newline = findNewline(buffer, 0, count);
    if (newline !== -1) return { at: at + newline, found: true };
    at += count;
  }
  return { at, found: false };
}
