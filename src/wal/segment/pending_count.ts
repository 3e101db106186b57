/**
 * Counts the pending records in segments with bounded reads: exactly where that is cheap, otherwise
 * by sampling.
 *
 * @module
 */

import { countRecords, LINE_BYTES, type LineCount, type RecordSource } from "./count_records.ts";
import { type LineRange, linesOutside } from "./delivered_lines.ts";

/** A number of records. */
export interface RecordCount {
  readonly records: number;
  /** Whether the number is an estimate, from reading only a part of the bytes. */
  readonly isEstimate: boolean;
}

/** A number of records, and their size in bytes. */
export interface SizedCount extends RecordCount {
  readonly bytes: number;
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
const SAMPLE_BYTES = SAMPLE_PARTS * PART_BYTES;
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

/** Which of the lines in a range are pending. */
export interface PendingLines {
  /** Lines that are settled, as sorted ranges. */
  readonly settled?: readonly LineRange[];
  /** Whether a last line without a newline is a record. */
  readonly isFinal?: boolean;
}

/** The last count, of the lines from byte `from` to byte `to` that are not in `settled`. */
interface Counted extends LineCount {
  readonly from: number;
  readonly to: number;
  readonly settled: readonly LineRange[];
  readonly isEstimate: boolean;
}

/** Ranges that an exact count must read: lines in `added` are added, those in `removed` subtracted. */
interface Changes {
  readonly known: LineCount;
  readonly added: LineRange;
  /** Whether `added` is known to begin with a line. */
  readonly startsLine: boolean;
  readonly removed: LineRange;
}

const NOTHING: SizedCount = { records: 0, bytes: 0, isEstimate: false };
const NOTHING_COUNTED: LineCount = { records: 0, bytes: 0, unfinished: 0 };

/**
 * The number of pending records in one segment. Counts only what has changed since the last count,
 * and does not read settled lines.
 */
export class PendingCount {
  #last: Counted | null = null;

  /** Whether a count is remembered, so that the next one reads less. */
  get isKnown(): boolean {
    return this.#last !== null;
  }

  /**
   * Counts the records from byte `from`, the start of a line, to byte `to`. Rejects with the error
   * of `open` or of a read.
   *
   * @param open Opens the segment; called only if something must be read.
   */
  async count(
    from: number,
    to: number,
    budget: CountBudget,
    open: () => PendingSource,
    { settled = [], isFinal = false }: PendingLines = {},
  ): Promise<SizedCount> {
    const left = linesOutside(from, to, settled);
    if (left.length === 0) return NOTHING;
    const last = this.#last;
    const isKnown = last?.from === from && last.to === to && areSame(last.settled, settled);
    const counted = isKnown ? last : await this.#read(from, to, settled, budget, open);
    if (counted === null) {
      const bytes = sizeOf(left);
      return { ...budget.estimate(bytes), bytes };
    }
    this.#last = counted;
    const { isEstimate, unfinished } = counted;
    const records = counted.records + (isFinal && unfinished > 0 ? 1 : 0);
    const bytes = counted.bytes + unfinished;
    budget.note(records, bytes);
    return { records, bytes, isEstimate };
  }

  async #read(
    from: number,
    to: number,
    settled: readonly LineRange[],
    budget: CountBudget,
    open: () => PendingSource,
  ): Promise<Counted | null> {
    const { known, added, startsLine, removed } = this.#changes(from, to, settled);
    const tail = startOfTail(from, to, settled);
    const isLong = to - tail > SAMPLE_BYTES;
    const isExact = budget.takeExact(costOf([added, removed], settled));
    const sampled = costOf([{ from, to: tail }], settled) + Math.min(to - tail, SAMPLE_BYTES);
    if (!isExact && !budget.takeSample(sampled)) return null;
    const source = open();
    try {
      if (isExact) {
        const more = await countRecords(source, added.from, added.to, settled, startsLine);
        const less = await countRecords(source, removed.from, removed.to, settled);
        const records = known.records + more.records - less.records;
        const bytes = known.bytes + more.bytes - less.bytes;
        const { unfinished } = more;
        return { from, to, settled, records, bytes, unfinished, isEstimate: false };
      }
      const { records, bytes, unfinished } = await countRecords(
        source,
        from,
        isLong ? tail : to,
        settled,
      );
      const lines = { from, to, settled, bytes, unfinished, isEstimate: isLong };
      if (!isLong) return { ...lines, records };
      return {
        ...lines,
        records: records + await sample(source, tail, to),
        bytes: bytes + to - tail,
      };
    } finally {
      source.close?.();
    }
  }

  #changes(from: number, to: number, settled: readonly LineRange[]): Changes {
    const last = this.#last;
    const all = { from, to }, none = { from, to: from };
    const isContinued = last !== null && !last.isEstimate && from >= last.from && to >= last.to;
    if (isContinued && areSame(last.settled, settled)) {
      // A last line that was not finished then is read again.
      const { unfinished } = last;
      const added = { from: last.to - unfinished, to };
      const removed = { from: last.from, to: from };
      if (costOf([added, removed], settled) < costOf([all], settled)) {
        return { known: last, added, startsLine: unfinished > 0, removed };
      }
    }
    return { known: NOTHING_COUNTED, added: all, startsLine: true, removed: none };
  }
}

/** Bytes to read for the lines in ranges, without settled ones. */
function costOf(ranges: readonly LineRange[], settled: readonly LineRange[]): number {
  const parts = ranges.map(({ from, to }) => linesOutside(from, to, settled));
  return parts.reduce(
    (sum, left) => sum + sizeOf(left) + LINE_BYTES * Math.max(0, left.length - 1),
    0,
  );
}

function sizeOf(ranges: readonly LineRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** Returns the byte offset after which no line is settled. */
function startOfTail(from: number, to: number, settled: readonly LineRange[]): number {
  return Math.min(to, Math.max(from, settled.at(-1)?.to ?? 0));
}

function areSame(one: readonly LineRange[], other: readonly LineRange[]): boolean {
  return one === other || (one.length === other.length &&
    one.every(({ from, to }, index) => from === other[index].from && to === other[index].to));
}

/** Counts the records in parts of a range, and extrapolates. */
async function sample(source: PendingSource, from: number, to: number): Promise<number> {
  const stride = (to - from) / SAMPLE_PARTS;
  let records = 0;
  for (let part = 0; part < SAMPLE_PARTS; part++) {
    const start = from + Math.floor(part * stride);
    records += (await countRecords(source, start, start + PART_BYTES)).records;
  }
  return Math.max(1, Math.round(records * (to - from) / SAMPLE_BYTES));
}
