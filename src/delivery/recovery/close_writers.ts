/**
 * Closes the calls that dead writers left open.
 * @module
 */

import { hasCode } from "../../errors.ts";
import { Slices } from "../../runtime/event_loop.ts";
import { CallCloser, type DeadWriter } from "../../wal/open_calls/close_interrupted.ts";
import type { ListedSegment } from "../../wal/orphans/directory_listing.ts";
import type { RecoveryLeases } from "../../wal/leases/recovery_leases.ts";
import type { DirectoryRecoveryOptions } from "./directory_recovery_options.ts";

/**
 * Closes the calls of the writers whose segments the leases cover; returns the segments that
 * contain their ends.
 */
export async function closeWriters(
  { runtime, root, drain }: DirectoryRecoveryOptions,
  leases: RecoveryLeases,
  writers: readonly DeadWriter[],
  isStopped: () => boolean,
): Promise<ListedSegment[]> {
  const closer = new CallCloser(runtime, root);
  const slices = new Slices(runtime.clock);
  const closing: ListedSegment[] = [];
  for (const writer of writers) {
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
