/**
 * Finds the writers in a directory that left files about open calls.
 *
 * @module
 */

import {
  partitionInSlices,
  Slices,
  sortInSlices,
  visitInSlices,
} from "../../runtime/event_loop.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { concernsOpenCalls } from "../open_calls/close_interrupted.ts";
import { isProcessToken } from "../segment/segment_name.ts";
import { byStem, type DirectoryListing, type ListedSegment } from "./directory_listing.ts";

/**
 * Returns all stems of these writers by their tokens, oldest first.
 *
 * @param own Token of this process, which is left out.
 */
export async function concernedWriters(
  { segments, leftovers }: DirectoryListing,
  own: string,
  clock: Clock,
): Promise<ReadonlyMap<string, readonly ListedSegment[]>> {
  const all = [...segments, ...leftovers];
  const [concerned] = await partitionInSlices(all, concernsOpenCalls, clock);
  const wanted = new Set<string>();
  await visitInSlices(concerned, ({ writer }) => void wanted.add(writer), clock);
  wanted.delete(own);
  const stemsOf = new Map<string, ListedSegment[]>();
  if (wanted.size === 0) return stemsOf;
  const slices = new Slices(clock);
  for (const one of await sortInSlices(all, byStem, clock)) {
    if (slices.isOver) await slices.next();
    if (!wanted.has(one.writer) || !isProcessToken(one.writer)) continue;
    const stems = stemsOf.get(one.writer);
    if (stems) stems.push(one);
    else stemsOf.set(one.writer, [one]);
  }
  return stemsOf;
}
