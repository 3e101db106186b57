/**
 * A part of a segment that is delivered and acknowledged as a unit.
 *
 * Positions are in typed arrays: a log is drained at a million records per second, and an object
 * for each record would cost more than everything else.
 *
 * @module
 */

import { keepCompiled } from "../../bytes/keep_compiled.ts";
import { RECORD_TYPES, type RecordType } from "../../protocol/record_types.ts";
import type { RecordSpan } from "./record.ts";
import type { DeadLetter } from "../segment/segment.ts";

/** A single record in a batch. */
export interface BatchRecord {
  readonly type: RecordType;
  /** The buffer that contains the line; shared with the batch of the record, if it has one. */
  readonly bytes: Uint8Array;
  /** Byte offset of its line in the segment. */
  readonly offset: number;
  /** The line in `bytes`, without its newline. */
  readonly lineStart: number;
  readonly lineEnd: number;
  /** The request in `bytes`. */
  readonly start: number;
  readonly end: number;
}

/** Complete records, in order, and the corrupt lines between them. */
export class RecordBatch {
  /** Contains the lines; valid until the third batch after this one is read. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Unused bytes before the first line. */
  room = 0;
  /**
   * Reads the lines from the log again. If set, the lines and `room` may be overwritten, as long as
   * code that needs them later calls it first.
   */
  restore: (() => Promise<void>) | null = null;
  /** Lines that are not records. */
  readonly corrupt: DeadLetter[] = [];
  /** Byte offset to acknowledge when the batch is settled. */
  to = 0;
  /** Number of records. */
  count = 0;
  /** Index of each record's type in `RECORD_TYPES`. */
  readonly codes: Uint8Array;
  /** Start and end of each record's line in `bytes`, without its newline. */
  readonly lineStarts: Int32Array;
  readonly lineEnds: Int32Array;
  /** Start and end of each record's request in `bytes`. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Whether every line has the layout that this package writes. */
  canonical = true;
  /** Byte offset of `bytes[0]` in the segment. */
  readonly base: number;
  /** Maximum number of records. */
  readonly capacity: number;
  /** The types in the batch: a bit for each, by its index in `RECORD_TYPES`. */
  #types = 0;

  /**
   * @param base Byte offset of `bytes[0]` in the segment.
   * @param capacity Maximum number of records.
   */
  constructor(bytes: Uint8Array<ArrayBuffer>, base: number, capacity: number) {
    this.bytes = bytes;
    this.base = base;
    this.capacity = capacity;
    const positions = new ArrayBuffer(17 * capacity);
    const column = (index: number): Int32Array =>
      new Int32Array(positions, 4 * index * capacity, capacity);
    this.lineStarts = column(0);
    this.lineEnds = column(1);
    this.starts = column(2);
    this.ends = column(3);
    this.codes = new Uint8Array(positions, 16 * capacity, capacity);
  }

  add(span: RecordSpan, lineStart: number, lineEnd: number): void {
    const index = this.count++;
    this.codes[index] = span.code;
    this.lineStarts[index] = lineStart;
    this.lineEnds[index] = lineEnd;
    this.starts[index] = span.start;
    this.ends[index] = span.end;
    this.#types |= 1 << span.code;
    if (!span.canonical) this.canonical = false;
  }

  /** Returns whether the batch contains a record of `type`. */
  has(type: RecordType): boolean {
    return (this.#types >> RECORD_TYPES.indexOf(type) & 1) === 1;
  }

  /** Returns whether all records are of these types. */
  hasOnly(types: readonly RecordType[]): boolean {
    const others = types.reduce((mask, type) => mask & ~(1 << RECORD_TYPES.indexOf(type)), -1);
    return (this.#types & others) === 0;
  }

  /** Returns one record, as an object. */
  record(index: number): BatchRecord {
    return {
      type: RECORD_TYPES[this.codes[index]],
      bytes: this.bytes,
      offset: this.base + this.lineStarts[index],
      lineStart: this.lineStarts[index],
      lineEnd: this.lineEnds[index],
      start: this.starts[index],
      end: this.ends[index],
    };
  }

  /** Returns the records of the wanted types, as objects, in order. */
  records(wanted: (type: RecordType) => boolean): BatchRecord[] {
    const found: BatchRecord[] = [];
    if (!RECORD_TYPES.some((type) => this.has(type) && wanted(type))) return found;
    for (let index = 0; index < this.count; index++) {
      if (wanted(RECORD_TYPES[this.codes[index]])) found.push(this.record(index));
    }
    return found;
  }
}

keepCompiled(new RecordBatch(new Uint8Array(0), 0, 0));
