/**
 * Closes the calls that dead writers left open.
 * @module
 */

import { hasCode } from "../../errors.ts";
import { Slices } from "../../runtime/event_loop.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { CallCloser, type DeadWriter } from "../../wal/open_calls/close_interrupted.ts";
import { isKept, type ListedSegment } from "../../wal/orphans/directory_listing.ts";
import { scanStems } from "../../wal/orphans/scan_stems.ts";
import { WRITER_DIGITS } from "../../wal/segment/segment_name.ts";
import type { RecoveryLeases } from "../../wal/leases/recovery_leases.ts";
import type { DirectoryRecoveryOptions } from "./directory_recovery_options.ts";

/**
 * Closes the calls of the writers whose segments the leases cover; returns the segments that
 * contain their ends. Writers that began another segment before they died are left to the next
 * scan. Rejects with the file system error if the directory cannot be listed.
 */
export async function closeWriters(
  { runtime, root, directory, drain }: DirectoryRecoveryOptions,
  leases: RecoveryLeases,
  writers: readonly DeadWriter[],
  isStopped: () => boolean,
): Promise<ListedSegment[]> {
  const closer = new CallCloser(runtime, root);
  const slices = new Slices(runtime.clock);
  const closing: ListedSegment[] = [];
  for (const writer of await completelyListed(runtime, directory, writers)) {
    if (slices.isOver) await slices.next();
    if (isStopped() || !writer.stems.every((stem) => leases.covers(stem))) continue;
    const guard = leases.guardOf(writer.stems);
    try {
      const segment = await closer.close(writer, guard);
      if (segment !== null) closing.push(segment);
    } catch (error) {
      if (hasCode(error, "ERR_LEASE_LOST")) leases.forgetLost();
      else drain.onTrouble("recovery", error);
    }
  }
  return closing;
}

/**
 * Returns the writers without a segment that is not among their stems. A directory is listed before
 * its writers are looked up: one of them may have begun another segment, and ended calls in it,
 * before it died. A listing made after its death is complete.
 */
async function completelyListed(
  { files, clock }: Pick<Runtime, "files" | "clock">,
  directory: string,
  writers: readonly DeadWriter[],
): Promise<readonly DeadWriter[]> {
  if (writers.length === 0) return writers;
  const known = new Map(writers.map(({ token, stems }) => [token, stemsOf(stems)]));
  const { stems } = await scanStems(files, directory);
  const slices = new Slices(clock);
  for (const [stem, suffixes] of stems) {
    if (slices.isOver) await slices.next();
    const token = stem.slice(-WRITER_DIGITS);
    const isNew = known.get(token)?.has(stem) === false;
    // Dead letters of segments that are removed are not among the stems of a writer.
    if (isNew && ![...suffixes].every(isKept)) known.delete(token);
  }
  return writers.filter(({ token }) => known.has(token));
}

function stemsOf(stems: readonly ListedSegment[]): ReadonlySet<string> {
  return new Set(stems.map(({ stem }) => stem));
}
