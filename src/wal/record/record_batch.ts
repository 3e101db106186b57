/**
 * A stretch of a segment that is delivered and acknowledged as one.
 *
 * Positions are in typed arrays: a log is drained at a million records a second, and an object
 * for each of them would cost more than all the rest.
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
  /** Holds the line; of a batch's record it is the batch's. */
  readonly bytes: Uint8Array;
  /** Byte offset of its line in the segment. */
  readonly offset: number;
  /** The line in `bytes`, its newline left out. */
  readonly lineStart: number;
  readonly lineEnd: number;
  /** The request in `bytes`. */
  readonly start: number;
  readonly end: number;
}

/** Whole records, in order, and the corrupt lines between them. */
export class RecordBatch {
  /** Holds the lines; valid until the third batch after this one is read. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes in front of the first line that nobody uses. */
  room = 0;
  /**
   * Reads the lines from the log again. Where it is given they may be overwritten, and `room` with
   * them, as long as code that needs them afterwards calls it first.
   */
  restore: (() => Promise<void>) | null = null;
  /** Lines that are not records. */
  readonly corrupt: DeadLetter[] = [];
  /** Byte offset to acknowledge when all of it is settled. */
  to = 0;
  /** Records. */
  count = 0;
  /** Position of each record's type in `RECORD_TYPES`. */
  readonly codes: Uint8Array;
  /** Position in `bytes` of each record's line, and of its end, the newline left out. */
  readonly lineStarts: Int32Array;
  readonly lineEnds: Int32Array;
  /** Position in `bytes` of each record's request, and of its end. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Whether every line is laid out as this package writes it. */
  canonical = true;
  /** Byte offset in the segment of `bytes[0]`. */
  readonly base: number;
  /** Records that there is room for. */
  readonly capacity: number;
  /** Which types it holds: a bit for each, by its position in `RECORD_TYPES`. */
  #types = 0;

  /**
   * @param base Byte offset in the segment of `bytes[0]`.
   * @param capacity Most records.
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

  /** Adds a record. */
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

  /** Whether it holds a record of `type`. */
  has(type: RecordType): boolean {
    return (this.#types >> RECORD_TYPES.indexOf(type) & 1) === 1;
  }

  /** Whether all its records are of these types. */
  hasOnly(types: readonly RecordType[]): boolean {
    const others = types.reduce((mask, type) => mask & ~(1 << RECORD_TYPES.indexOf(type)), -1);
    return (this.#types & others) === 0;
  }

  /** One record, as an object. */
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

  /** The records whose types `wanted` names, as objects, in order. */
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
