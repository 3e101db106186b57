/**
 * Counts the records that wait in segments of other processes; reads a segment again only if it has
 * changed.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import { Slices } from "../../runtime/event_loop.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { ListedSegment } from "../ownership/directory_listing.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { countRecords } from "./count_records.ts";
import { ReadOnlySegment } from "./read_only_segment.ts";
import { segmentPaths } from "./segment_name.ts";

/** Records and bytes that wait. */
export interface Waiting {
  readonly records: number;
  readonly bytes: number;
}

interface Counted extends Waiting {
  /** Whether all records could be read. */
  readonly isWhole: boolean;
  readonly size: number;
  readonly from: number;
}

/** Counts waiting records, and remembers the counts. */
export class WaitingCounter {
  readonly #runtime: Runtime;
  #counted = new Map<string, Counted>();

  /** Makes a counter that has read nothing. */
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /**
   * Counts the records after the checkpoints of `segments`, unfinished last lines left out; forgets
   * all others. Never rejects: a segment that cannot be read has bytes, and no records.
   */
  async count(segments: readonly ListedSegment[]): Promise<Waiting> {
    const slices = new Slices(this.#runtime.clock);
    const before = this.#counted;
    this.#counted = new Map();
    let records = 0;
    let bytes = 0;
    for (const segment of segments) {
      await slices.pause();
      // Delivered since it was listed, or unreadable now: the process that sends it reports the error.
      const counted = await this.#one(segment, before.get(segment.stem)).catch(() => null);
      if (counted === null) continue;
      if (counted.isWhole) this.#counted.set(segment.stem, counted);
      records += counted.records;
      bytes += counted.bytes;
    }
    return { records, bytes };
  }

  async #one(
    { directory, stem, suffixes }: ListedSegment,
    before: Counted | undefined,
  ): Promise<Counted | null> {
    const { files } = this.#runtime;
    const paths = segmentPaths(directory, stem);
    const stat = files.stat(paths.data);
    if (stat === null || stat.kind !== "file") return null;
    const { size } = stat;
    const hasCheckpoint = suffixes.has(".checkpoint") || files.exists(paths.checkpoint);
    const from = hasCheckpoint
      ? readCheckpoint(files, paths.checkpoint, size, () => true).offset
      : 0;
    if (before?.size === size && before.from === from) return before;
    let segment: ReadOnlySegment | undefined;
    try {
      segment = new ReadOnlySegment(files, paths.data, { name: stem, end: () => size });
      const records = await countRecords(segment, from);
      return { size, from, records, bytes: size - from, isWhole: true };
    } catch (error) {
      if (hasCode(error, "ENOENT")) return null;
      return { size, from, records: 0, bytes: size - from, isWhole: false };
    } finally {
      segment?.close();
    }
  }
}
