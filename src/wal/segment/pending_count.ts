/**
 * Counts the records that wait in segments, and bounds what that reads: exactly where it is cheap, by
 * samples elsewhere.
 *
 * @module
 */

import { countRecords, type RecordSource } from "./count_records.ts";

/** A number of records. */
export interface RecordCount {
  readonly records: number;
  /** Whether it is an estimate: the bytes are known, and a part of them was read. */
  readonly isEstimate: boolean;
}

/** Limits of what one question reads, of all segments together. */
export interface CountLimits {
  /** Bytes that are counted exactly. */
  readonly exactBytes: number;
  /** Bytes of samples of the rest. */
  readonly sampledBytes: number;
  /** Segments that are read. */
  readonly segments: number;
}

/** Limits that keep a question below about a second, however much waits. */
export const COUNT_LIMITS: CountLimits = {
  exactBytes: 64 * 1024 * 1024,
  sampledBytes: 64 * 1024 * 1024,
  segments: 10_000,
};

/** A sample: parts of so many bytes, spread evenly over what waits. */
const SAMPLE_PARTS = 8;
const PART_BYTES = 16 * 1024;
/** Bytes of a record where nothing was counted that tells. */
const TYPICAL_BYTES = 1_000;

/** The part of its limits that a question has left; made for each question. */
export class CountBudget {
  #exactBytes: number;
  #sampledBytes: number;
  #segments: number;
  /** Records that were counted, in so many bytes. */
  #records = 0;
  #bytes = 0;

  /** Makes a budget of which nothing is spent. */
  constructor(limits: CountLimits = COUNT_LIMITS) {
    this.#exactBytes = limits.exactBytes;
    this.#sampledBytes = limits.sampledBytes;
    this.#segments = limits.segments;
  }

  /** Takes one segment and as many bytes to be counted exactly; `false` if there are not enough left. */
  takeExact(bytes: number): boolean {
    if (bytes > this.#exactBytes || this.#segments === 0) return false;
    this.#exactBytes -= bytes;
    this.#segments--;
    return true;
  }

  /** Takes one segment and as many bytes for a sample of it; `false` if there are not enough left. */
  takeSample(bytes: number): boolean {
    if (bytes > this.#sampledBytes || this.#segments === 0) return false;
    this.#sampledBytes -= bytes;
    this.#segments--;
    return true;
  }

  /** Notes that so many bytes hold so many records. */
  note(records: number, bytes: number): void {
    this.#records += records;
    this.#bytes += bytes;
  }

  /** Estimates the records in bytes that nothing is read of, by those that were counted. */
  estimate(bytes: number): RecordCount {
    const each = this.#records === 0 ? TYPICAL_BYTES : this.#bytes / this.#records;
    return { records: Math.max(1, Math.round(bytes / each)), isEstimate: true };
  }
}

/** The bytes that wait in a segment. */
export interface PendingSource extends RecordSource {
  /** Called when it was read. */
  close?(): void;
}

interface Counted extends RecordCount {
  readonly from: number;
  readonly to: number;
}

/** Ranges that an exact count has to read: the records of `added` count, those of `removed` do not any more. */
interface Changes {
  readonly known: number;
  readonly added: readonly [from: number, to: number];
  readonly removed: readonly [from: number, to: number];
}

const NOTHING: RecordCount = { records: 0, isEstimate: false };

/** The records that wait in one segment, as last counted: what was read is not read again. */
export class PendingCount {
  #last: Counted | null = null;

  /**
   * Counts the records from byte `from` to byte `to`. Rejects with the error of `open` or of a read.
   *
   * @param open Opens the segment; called only if something is to be read.
   */
  async count(
    from: number,
    to: number,
    budget: CountBudget,
    open: () => PendingSource,
  ): Promise<RecordCount> {
    if (from >= to) return NOTHING;
    const last = this.#last;
    const counted = last?.from === from && last.to === to
      ? last
      : await this.#read(from, to, budget, open);
    if (counted === null) return budget.estimate(to - from);
    this.#last = counted;
    budget.note(counted.records, to - from);
    return counted;
  }

  async #read(
    from: number,
    to: number,
    budget: CountBudget,
    open: () => PendingSource,
  ): Promise<Counted | null> {
    const { known, added, removed } = this.#changes(from, to);
    const isExact = budget.takeExact(lengthOf(added) + lengthOf(removed));
    const sampled = Math.min(to - from, SAMPLE_PARTS * PART_BYTES);
    if (!isExact && !budget.takeSample(sampled)) return null;
    const source = open();
    try {
      if (!isExact) return { from, to, ...await sample(source, from, to) };
      const records = known + await countRecords(source, ...added) -
        await countRecords(source, ...removed);
      return { from, to, records, isEstimate: false };
    } finally {
      source.close?.();
    }
  }

  #changes(from: number, to: number): Changes {
    const last = this.#last;
    if (last !== null && !last.isEstimate && from >= last.from && to >= last.to) {
      const { records: known } = last;
      const changes: Changes = { known, added: [last.to, to], removed: [last.from, from] };
      if (lengthOf(changes.added) + lengthOf(changes.removed) < to - from) return changes;
    }
    return { known: 0, added: [from, to], removed: [from, from] };
  }
}

function lengthOf([from, to]: Changes["added"]): number {
  return to - from;
}

/** Counts the records in parts of what waits, and takes the rest to be like them. */
async function sample(source: PendingSource, from: number, to: number): Promise<RecordCount> {
  if (to - from <= SAMPLE_PARTS * PART_BYTES) {
    return { records: await countRecords(source, from, to), isEstimate: false };
  }
  const stride = (to - from) / SAMPLE_PARTS;
  let records = 0;
  for (let part = 0; part < SAMPLE_PARTS; part++) {
    const start = from + Math.floor(part * stride);
    records += await countRecords(source, start, start + PART_BYTES);
  }
  const share = SAMPLE_PARTS * PART_BYTES / (to - from);
  return { records: Math.max(1, Math.round(records / share)), isEstimate: true };
}
