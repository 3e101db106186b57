/**
 * Writers of the Python SDK, which leave no file of their own but a lock with a PID of this host.
 *
 * @module
 */

import { basename } from "@std/path";
import type { ProcessInfo } from "../../runtime/runtime.ts";
import { isProcessToken } from "../segment/segment_name.ts";
import type { ListedSegment } from "./directory_listing.ts";

/**
 * Whether the Python SDK keeps logs for one API key in a directory: its name is the key's SHA-256.
 */
export function isKeyDirectory(path: string): boolean {
  return /^[0-9a-f]{64}$/.test(basename(path));
}

/** Whether a segment was written by the Python SDK. */
export function isOfPython({ writer, suffixes }: ListedSegment): boolean {
  return !isProcessToken(writer) && !suffixes.has(".owner");
}

/**
 * Whether a running Python process only writes: `WEAVE_DISABLE_WAL_SENDER` is in the environment
 * that it was started with. Where that cannot be read, it is taken to send: what both send is there
 * twice.
 */
export function onlyWrites(process: ProcessInfo, pid: number): boolean {
  const value = process.variableOf(pid, "WEAVE_DISABLE_WAL_SENDER");
  return value !== undefined && /^\s*(?:yes|true|1|on)\s*$/i.test(value);
}

/**
 * Leaves out what a running Python process will send: its sender takes all segments of a directory,
 * and knows no leases. Open segments wait for those that their writers may have closed before.
 */
export function withoutPythons(
  final: readonly ListedSegment[],
  open: readonly ListedSegment[],
  hasSender: boolean,
): { final: readonly ListedSegment[]; open: readonly ListedSegment[] } {
  const isOurs = (segment: ListedSegment): boolean => !isOfPython(segment);
  if (hasSender) return { final: final.filter(isOurs), open: open.filter(isOurs) };
  return { final, open: final.every(isOurs) ? open : open.filter(isOurs) };
}
