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
import { firstRecordTime } from "./first_record_time.ts";
import { type LineRange, readDeliveredLines, SettledLines } from "./delivered_lines.ts";
import { type CountBudget, PendingCount, type SizedCount } from "./pending_count.ts";
import { ReadOnlySegment } from "./read_only_segment.ts";
import { segmentPaths } from "./segment_name.ts";

/** Number of delivered segments to pass when looking for the oldest pending record. */
const MAX_DELIVERED = 100;

/** Pending records and bytes. */
export type Waiting = SizedCount;

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

/** Number of segments from which a count is reused for a while, because it takes long. */
const MANY_SEGMENTS = 2_000;
/** For how long it is reused, as a multiple of the time that it took. */
const REUSE = 10;

/** Counts pending records, and caches the counts. */
export class WaitingCounter {
  readonly #runtime: Runtime;
  #counts = new Map<string, PendingCount>();
  /** The last count of many segments, and until when it is reused, on the monotonic clock. */
  #last: { segments: readonly ListedSegment[]; waiting: Waiting; until: number } | null = null;

  /** Creates a counter with an empty cache. */
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /**
   * Counts the records after the checkpoints of `segments`, without those that a sender delivered
   * ahead of the checkpoint and without unfinished last lines; forgets all other segments. Never
   * rejects: a segment that cannot be read counts with its bytes and no records. The count of very
   * many segments is reused for a while, as an estimate.
   */
  async count(segments: readonly ListedSegment[], budget: CountBudget): Promise<Waiting> {
    const { clock } = this.#runtime;
    const begun = clock.monotonic();
    if (this.#last !== null && begun < this.#last.until && isSame(this.#last.segments, segments)) {
      return { ...this.#last.waiting, isEstimate: true };
    }
    const slices = new Slices(clock);
    const before = this.#counts;
    this.#counts = new Map();
    let { records, bytes, isEstimate } = NOTHING_WAITS;
    for (const segment of segments) {
      if (slices.isOver) await slices.next();
      const count = before.get(segment.stem) ?? new PendingCount();
      // Delivered since it was listed, or unreadable: the process that sends it reports the error.
      const waiting = await this.#one(segment, count, budget).catch(() => NOTHING_WAITS);
      // Most of a hundred thousand are not read.
      if (count.isKnown) this.#counts.set(segment.stem, count);
      records += waiting.records;
      bytes += waiting.bytes;
      isEstimate ||= waiting.isEstimate;
    }
    const waiting = { records, bytes, isEstimate };
    const ended = clock.monotonic();
    const until = ended + REUSE * (ended - begun);
    this.#last = segments.length < MANY_SEGMENTS ? null : { segments, waiting, until };
    return waiting;
  }

  /**
   * Returns when the first pending record of `segments`, oldest first, was written, epoch ms; `null`
   * if none is pending. Never rejects, and reads a bounded number of segments.
   */
  async oldest(segments: readonly ListedSegment[]): Promise<number | null> {
    for (const segment of segments.slice(0, MAX_DELIVERED)) {
      const time = await this.#oldestOf(segment).catch(() => null);
      if (time !== null) return time;
    }
    return null;
  }

  async #oldestOf(segment: ListedSegment): Promise<number | null> {
    const { directory, stem } = segment;
    const { data } = segmentPaths(directory, stem);
    const settledLines = new SettledLines([], this.#deliveredOf(segment));
    const source = new ReadOnlySegment(this.#runtime.files, data, { name: stem, settledLines });
    try {
      const size = source.end();
      const from = this.#checkpointOf(segment, size);
      if (from >= size) return null;
      // Programs may set the times of their calls, but no record is older than its segment.
      return Math.max(source.begun, await firstRecordTime(source, from, true) ?? 0);
    } finally {
      source.close();
    }
  }

  #checkpointOf({ directory, stem, suffixes }: ListedSegment, size: number): number {
    const { files } = this.#runtime;
    const { checkpoint } = segmentPaths(directory, stem);
    if (!suffixes.has(".checkpoint") && !files.exists(checkpoint)) return 0;
    return readCheckpoint(files, checkpoint, size, () => true).offset;
  }

  #deliveredOf({ directory, stem, suffixes }: ListedSegment): LineRange[] {
    const { files } = this.#runtime;
    const { delivered } = segmentPaths(directory, stem);
    if (!suffixes.has(".delivered") && !files.exists(delivered)) return [];
    return readDeliveredLines(files, delivered);
  }

  async #one(
    segment: ListedSegment,
    count: PendingCount,
    budget: CountBudget,
  ): Promise<Waiting> {
    const { files } = this.#runtime;
    const { directory, stem } = segment;
    const paths = segmentPaths(directory, stem);
    const stat = files.stat(paths.data);
    if (stat === null || stat.kind !== "file") return NOTHING_WAITS;
    const { size } = stat;
    const from = this.#checkpointOf(segment, size);
    if (from >= size) return NOTHING_WAITS;
    const settled = this.#deliveredOf(segment);
    try {
      const open = (): ReadOnlySegment =>
        new ReadOnlySegment(files, paths.data, { name: stem, size });
      return await count.count(from, size, budget, open, { settled });
    } catch (error) {
      if (hasCode(error, "ENOENT")) return NOTHING_WAITS;
      return { ...NOTHING_WAITS, bytes: size - from };
    }
  }
}

/** Returns whether two parts of a listing are the same: each listing makes new objects. */
function isSame(one: readonly ListedSegment[], other: readonly ListedSegment[]): boolean {
  return one.length === other.length && one[0] === other[0];
}
