/**
 * Seals: the end of a segment whose writer is taken for gone by its silence alone.
 *
 * A writer on another host, or one whose facts cannot be read, may have been stopped, and may wake
 * in the middle of an append. So a sender that is about to take the segment's end for final first
 * makes `<stem>.seal`, and then looks once more whether the writer is still silent. A writer that
 * has not shown for {@linkcode LEASE_MS} that it lives does so after it has appended, and then looks
 * for the seal: where it finds one it writes the record again, into a new segment. Whichever of the
 * two came first, the record is in front of the end that the sender sees, or in the new segment.
 *
 * A seal is never taken back; it goes with the segment.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import type { FileSystem } from "../../runtime/runtime.ts";
import type { SegmentPaths } from "../segment/segment_name.ts";

/**
 * Whether a silent writer's segment has reached its end.
 *
 * @param isGone Whether the writer still has to be taken for gone, asked after the seal was made.
 */
export function seal(
  files: FileSystem,
  paths: Pick<SegmentPaths, "seal">,
  isGone: () => boolean,
): boolean {
  try {
    if (files.stat(paths.seal) === null) files.createExclusive(paths.seal, "");
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
  return isGone();
}

/** Whether somebody took the writer of a segment for gone. */
export function hasSeal(files: FileSystem, paths: Pick<SegmentPaths, "seal">): boolean {
  return files.stat(paths.seal) !== null;
}
