/**
 * Counts the pending records in segments of other processes. Reads a segment again only if it
 * changed.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import { Slices } from "../../runtime/event_loop.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { ListedSegment } from "../orphans/directory_listing.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { type CountBudget, PendingCount, type RecordCount } from "./pending_count.ts";
import { ReadOnlySegment } from "./read_only_segment.ts";
import { segmentPaths } from "./segment_name.ts";

/** Pending records and bytes. */
export interface Waiting extends RecordCount {
  readonly bytes: number;
}

export const NOTHING_WAITS: Waiting = { records: 0, bytes: 0, isEstimate: false };

/** Adds up several counts. */
export function sumWaiting(all: readonly Waiting[]): Waiting {
  let { records, bytes, isEstimate } = NOTHING_WAITS;
  for (const one of all) {
    records += one.records;
    bytes += one.bytes;
    isEstimate ||= one.isEstimate;
  }
  return { records, bytes, isEstimate };
}

/** Counts pending records, and caches the counts. */
export class WaitingCounter {
  readonly #runtime: Runtime;
  #counts = new Map<string, PendingCount>();

  /** Creates a counter with an empty cache. */
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /**
   * Counts the records after the checkpoints of `segments`, without unfinished last lines; forgets
   * all other segments. Never rejects: a segment that cannot be read counts with its bytes and no
   * records.
   */
  async count(segments: readonly ListedSegment[], budget: CountBudget): Promise<Waiting> {
    const slices = new Slices(this.#runtime.clock);
    const before = this.#counts;
    this.#counts = new Map();
    let { records, bytes, isEstimate } = NOTHING_WAITS;
    for (const segment of segments) {
      await slices.pause();
      const count = before.get(segment.stem) ?? new PendingCount();
      this.#counts.set(segment.stem, count);
      // Delivered since it was listed, or unreadable: the process that sends it reports the error.
      const waiting = await this.#one(segment, count, budget).catch(() => NOTHING_WAITS);
      records += waiting.records;
      bytes += waiting.bytes;
      isEstimate ||= waiting.isEstimate;
    }
    return { records, bytes, isEstimate };
  }

  async #one(
    { directory, stem, suffixes }: ListedSegment,
    count: PendingCount,
    budget: CountBudget,
  ): Promise<Waiting> {
    const { files } = this.#runtime;
    const paths = segmentPaths(directory, stem);
    const stat = files.stat(paths.data);
    if (stat === null || stat.kind !== "file") return NOTHING_WAITS;
    const { size } = stat;
    const hasCheckpoint = suffixes.has(".checkpoint") || files.exists(paths.checkpoint);
    const from = hasCheckpoint
      ? readCheckpoint(files, paths.checkpoint, size, () => true).offset
      : 0;
    try {
      const open = (): ReadOnlySegment =>
        new ReadOnlySegment(files, paths.data, { name: stem, end: () => size });
      return { ...await count.count(from, size, budget, open), bytes: size - from };
    } catch (error) {
      if (hasCode(error, "ENOENT")) return NOTHING_WAITS;
      return { ...NOTHING_WAITS, bytes: size - from };
    }
  }
}
