/**
 * Writers of the Python SDK. Their only file besides the data is a lock with a PID of this host.
 *
 * @module
 */

import { basename } from "@std/path";
import { partitionInSlices } from "../../runtime/event_loop.ts";
import type { Clock, ProcessInfo } from "../../runtime/runtime.ts";
import { isProcessToken } from "../segment/segment_name.ts";
import type { ListedSegment } from "../orphans/directory_listing.ts";

/**
 * Returns whether a directory holds the Python SDK's logs for one API key: its name is the key's
 * SHA-256.
 */
export function isKeyDirectory(path: string): boolean {
  return /^[0-9a-f]{64}$/.test(basename(path));
}

/** Returns whether a segment was written by the Python SDK. */
export function isOfPython({ writer, suffixes }: ListedSegment): boolean {
  return !isProcessToken(writer) && !suffixes.has(".owner");
}

/**
 * Returns whether a running Python process only writes: `WEAVE_DISABLE_WAL_SENDER` is in its
 * initial environment. If that cannot be read, it is assumed to send; records sent by both then
 * arrive twice.
 */
export function onlyWrites(process: ProcessInfo, pid: number): boolean {
  const value = process.variableOf(pid, "WEAVE_DISABLE_WAL_SENDER");
  return value !== undefined && /^\s*(?:yes|true|1|on)\s*$/i.test(value);
}

/**
 * Leaves out segments that a running Python process will send: its sender takes all segments of a
 * directory, and ignores leases. Open segments wait for those that their writers may have closed
 * earlier.
 */
export async function withoutPythons(
  final: readonly ListedSegment[],
  open: readonly ListedSegment[],
  hasSender: boolean,
  clock: Clock,
): Promise<{ final: readonly ListedSegment[]; open: readonly ListedSegment[] }> {
  const [pythons, ours] = await partitionInSlices(final, isOfPython, clock);
  if (pythons.length === 0 && !hasSender) return { final, open };
  const [, oursOpen] = await partitionInSlices(open, isOfPython, clock);
  return { final: hasSender ? ours : final, open: oursOpen };
}
