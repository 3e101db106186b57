/**
 * Counts the pending records in segments with bounded reads: exactly where that is cheap, otherwise
 * by sampling.
 *
 * @module
 */

import { countRecords, type RecordSource } from "./count_records.ts";

/** A number of records. */
export interface RecordCount {
  readonly records: number;
  /** Whether the number is an estimate, from reading only a part of the bytes. */
  readonly isEstimate: boolean;
}

/** Read limits for one query, over all segments together. */
export interface CountLimits {
  /** Bytes to count exactly. */
  readonly exactBytes: number;
  /** Bytes to sample from the rest. */
  readonly sampledBytes: number;
  /** Number of segments to read. */
  readonly segments: number;
}

/** Limits that keep a query below about a second, however much is pending. */
const COUNT_LIMITS: CountLimits = {
  exactBytes: 64 * 1024 * 1024,
  sampledBytes: 64 * 1024 * 1024,
  segments: 10_000,
};

/** Number and size of the parts of a sample, spread evenly over the pending bytes. */
const SAMPLE_PARTS = 8;
const PART_BYTES = 16 * 1024;
/** Assumed bytes per record if nothing was counted. */
const TYPICAL_BYTES = 1_000;

/** The remaining limits of a query; create one for each query. */
export class CountBudget {
  #exactBytes: number;
  #sampledBytes: number;
  #segments: number;
  /** Records counted so far, and their bytes. */
  #records = 0;
  #bytes = 0;

  /** Creates a budget with nothing spent. */
  constructor(limits: CountLimits = COUNT_LIMITS) {
    this.#exactBytes = limits.exactBytes;
    this.#sampledBytes = limits.sampledBytes;
    this.#segments = limits.segments;
  }

  /** Reserves a segment and its bytes for an exact count; returns `false` if not enough is left. */
  takeExact(bytes: number): boolean {
    if (bytes > this.#exactBytes || this.#segments === 0) return false;
    this.#exactBytes -= bytes;
    this.#segments--;
    return true;
  }

  /** Reserves a segment and its bytes for a sample; returns `false` if not enough is left. */
  takeSample(bytes: number): boolean {
    if (bytes > this.#sampledBytes || this.#segments === 0) return false;
    this.#sampledBytes -= bytes;
    this.#segments--;
    return true;
  }

  /** Adds a count, on which estimates are based. */
  note(records: number, bytes: number): void {
    this.#records += records;
    this.#bytes += bytes;
  }

  /** Estimates the records in bytes that are not read, from those that were counted. */
  estimate(bytes: number): RecordCount {
    const each = this.#records === 0 ? TYPICAL_BYTES : this.#bytes / this.#records;
    return { records: Math.max(1, Math.round(bytes / each)), isEstimate: true };
  }
}

/** The pending bytes of a segment. */
export interface PendingSource extends RecordSource {
  /** Called after reading. */
  close?(): void;
}

interface Counted extends RecordCount {
  readonly from: number;
  readonly to: number;
}

/**
 * Ranges that an exact count must read: records in `added` are added, those in `removed`
 * subtracted.
 */
interface Changes {
  readonly known: number;
  readonly added: readonly [from: number, to: number];
  readonly removed: readonly [from: number, to: number];
}

const NOTHING: RecordCount = { records: 0, isEstimate: false };

/**
 * The number of pending records in one segment. Counts only what has changed since the last count.
 */
export class PendingCount {
  #last: Counted | null = null;

  /** Whether a count is remembered, so that the next one reads less. */
  get isKnown(): boolean {
    return this.#last !== null;
  }

  /**
   * Counts the records from byte `from` to byte `to`. Rejects with the error of `open` or of a
   * read.
   *
   * @param open Opens the segment; called only if something must be read.
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

/** Counts the records in parts of the pending bytes, and extrapolates. */
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
