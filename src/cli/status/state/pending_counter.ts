/**
 * Counts pending records and finds the oldest one. Reads only what is new since the last count.
 *
 * @module
 */

import type { FileSystem } from "../../../runtime/file_system.ts";
import {
  type CountBudget,
  PendingCount,
  type PendingSource,
  type SizedCount,
} from "../../../wal/segment/pending_count.ts";
import {
  type LineSet,
  NO_LINES,
  readDeliveredLines,
  SettledLines,
} from "../../../wal/segment/delivered_lines.ts";
import type { SegmentState } from "../../../wal/orphans/segment_status.ts";
import { begunAt, oldestPending } from "./oldest_record.ts";
import { ReadOnlySegment } from "../../../wal/segment/read_only_segment.ts";

/** Records that are pending in a segment. */
export interface PendingRecords extends SizedCount {
  /** Time at which the oldest one was written, epoch ms; `null` if none is pending. */
  readonly oldest: number | null;
}

/** The cached counts of a segment. */
interface Counted {
  readonly count: PendingCount;
  /** The checkpoint after which the oldest record was searched; -1 before that. */
  from: number;
  oldest: number | null;
}

const NOTHING: PendingRecords = { records: 0, bytes: 0, isEstimate: false, oldest: null };

/** Bytes to search for the oldest record of a segment with an estimated count. */
const OLDEST_BYTES = 256 * 1024;

/** Counts the records after the checkpoints of segments, and caches the counts. */
export class PendingCounter {
  readonly #files: FileSystem;
  #counted = new Map<string, Counted>();
  /** The counts of the report before. */
  #before: ReadonlyMap<string, Counted> = new Map();

  /** Creates a counter with an empty cache. */
  constructor(files: FileSystem) {
    this.#files = files;
  }

  /** Begins a report: what the one before counted and this one does not is then forgotten. */
  begin(): void {
    this.#before = this.#counted;
    this.#counted = new Map();
  }

  /** Counts the pending records of the segment. Rejects with `ENOENT` if it does not exist. */
  async count(state: SegmentState, budget: CountBudget): Promise<PendingRecords> {
    const { paths: { data, delivered }, suffixes, size: to, checkpoint: { offset: from } } = state;
    if (from >= to) return NOTHING;
    const lines = suffixes.has(".delivered") ? readDeliveredLines(this.#files, delivered) : [];
    const settledLines = lines.length === 0 ? NO_LINES : new SettledLines([], lines);
    const counted = this.#counted.get(data) ?? this.#before.get(data) ??
      { count: new PendingCount(), from: -1, oldest: null };
    let segment: OnceReadSegment | null = null;
    try {
      const open = (): PendingSource => {
        segment = new OnceReadSegment(this.#files, data, from, to, settledLines);
        return { read: (offset, into) => segment!.read(offset, into) };
      };
      const settled = settledLines.ranges;
      const pending = await counted.count.count(from, to, budget, open, { settled });
      if (segment !== null && counted.from !== from) {
        if (pending.isEstimate) (segment as OnceReadSegment).to = Math.min(to, from + OLDEST_BYTES);
        counted.oldest = await oldestPending(segment, state, pending.isEstimate);
        counted.from = from;
      }
      const oldest = counted.from === from ? counted.oldest : begunAt(state.stem);
      // Most of a hundred thousand are not read.
      if (counted.count.isKnown) this.#counted.set(data, counted);
      return { ...pending, oldest: pending.bytes === 0 ? null : oldest };
    } finally {
      (segment as OnceReadSegment | null)?.close();
    }
  }
}

/** Bytes that are read once for both the count and the time of the first record. */
const ONCE_BYTES = 16 * 1024;

/** A segment whose first pending bytes are read once. */
class OnceReadSegment extends ReadOnlySegment {
  /** Byte offset at which it ends. */
  to: number;
  readonly #from: number;
  readonly #bytes: Uint8Array;
  #filled = -1;

  constructor(
    files: FileSystem,
    path: string,
    from: number,
    to: number,
    settledLines: LineSet,
  ) {
    super(files, path, { name: path, settledLines });
    this.to = to;
    this.#from = from;
    this.#bytes = new Uint8Array(Math.min(ONCE_BYTES, to - from));
  }

  override end(): number {
    return this.to;
  }

  override async read(offset: number, into: Uint8Array): Promise<number> {
    if (offset !== this.#from) return await super.read(offset, into);
    if (this.#filled === -1) this.#filled = await super.read(offset, this.#bytes);
    const start = this.#bytes.subarray(0, Math.min(this.#filled, into.length));
    into.set(start);
    return start.length;
  }
}
