/**
 * Reads a segment batch by batch: complete records, in order, in bounded memory.
 *
 * @module
 */

import { RECORD_TYPES, type RecordType } from "../../protocol/record_types.ts";
import { corruptLine, splitRecords } from "./split_records.ts";
import { contentStart, findNewline, isValidRecord, readRecord, type RecordSpan } from "./record.ts";
import type { Segment } from "../segment/segment.ts";
import { findLineEnd } from "./oversize_line.ts";
import { RecordBatch } from "./record_batch.ts";
import { restoreBatch } from "./restore_batch.ts";

/** Limits of a batch. */
export interface BatchLimits {
  /** Maximum bytes; a single longer record gets a batch of its own. */
  readonly bytes: number;
  readonly records: number;
  /** Maximum bytes of a record that is read into memory; longer lines are dead-lettered. */
  readonly recordBytes: number;
  /** Whether records of a type get a batch of their own. */
  readonly isExclusive: (type: RecordType) => boolean;
}

const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);
const SMALLEST_BUFFER = 64 * 1024;
/** Free bytes before the contents of a buffer, for code that rewrites the lines of a batch. */
const ROOM = 16;
/** Bytes per read: small enough that the read completes before the request in flight. */
const READ_BYTES = 1024 * 1024;

/** A read in progress while a batch is split off the bytes before it. */
interface ReadAhead {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Position of the data in `bytes`, after room for the remainder of the previous buffer. */
  readonly at: number;
  readonly reading: Promise<number>;
}

/** Reads batches from a segment. */
export class BatchReader {
  readonly #segment: Segment;
  readonly #limits: BatchLimits;
  readonly #span: RecordSpan = { code: 0, start: 0, end: 0, canonical: true };
  /** Maximum bytes of a buffer. */
  readonly #largest: number;
  /** Whether a type gets a batch of its own, by its index in `RECORD_TYPES`. */
  readonly #exclusive: readonly boolean[];
  #bytes: Uint8Array<ArrayBuffer> = NOTHING;
  /** Buffers of earlier batches, least recently used first. */
  #spare = [NOTHING, NOTHING, NOTHING];
  /** The read in progress into one of them. */
  #ahead: ReadAhead | null = null;
  /**
   * Typical bytes of a full batch, estimated from the records of the last one; 0 if unknown. With
   * fewer bytes buffered, the next batch would be a small one.
   */
  #usual = 0;
  /** Position in `#bytes` of the next line, and the end of the data. */
  #from = 0;
  #filled = 0;
  /** Position in `#bytes` of the end of the last batch. */
  #used = 0;
  /** Byte offset of `#from` in the segment. */
  #offset: number;
  /** Whether the data read last can no longer change. */
  #final = true;
  #lookedTo = 0;

  /** Reads `segment` from `offset` on, which must be the start of a line. */
  constructor(segment: Segment, limits: BatchLimits, offset: number) {
    this.#segment = segment;
    this.#limits = limits;
    this.#offset = offset;
    this.#largest = ROOM + Math.max(limits.bytes, limits.recordBytes + 1);
    this.#exclusive = RECORD_TYPES.map(limits.isExclusive);
  }

  /** Byte offset of the next record to read. */
  get offset(): number {
    return this.#offset;
  }

  /** End of the segment at the last call of `next`. */
  get lookedTo(): number {
    return this.#lookedTo;
  }

  /**
   * Returns the next batch, or `null` if no complete record is available.
   *
   * @param sealed Whether the segment was sealed before this call. A last line without a newline is
   * then torn; otherwise it is still being written.
   */
  async next(sealed: boolean): Promise<RecordBatch | null> {
    const end = this.#lookedTo = this.#segment.end();
    const buffered = this.#filled - this.#from;
    const tooFew = buffered < this.#usual && this.#offset + buffered < end;
    if (tooFew || findNewline(this.#bytes, this.#from, this.#filled) === -1) {
      if (this.#offset >= end) {
        this.#spare.fill(NOTHING);
        this.#setBytes(NOTHING, 0, 0);
        return null;
      }
      // The writer may have truncated a partial line and written another in its place.
      if (!this.#final) this.#filled = this.#from;
      this.#final = sealed;
      const corrupt = await this.#fill(end, sealed);
      if (corrupt) return corrupt;
      if (findNewline(this.#bytes, this.#from, this.#filled) === -1) {
        return sealed && this.#offset + (this.#filled - this.#from) >= end
          ? this.#tornTail()
          : null;
      }
      if (sealed) this.#readAhead(end);
    }
    return this.#cut();
  }

  /** Starts reading the bytes after the buffered ones, which contain about one batch. */
  #readAhead(end: number): void {
    const buffered = this.#filled - this.#from;
    const unread = end - this.#offset - buffered;
    const left = Math.max(0, buffered - this.#usual);
    const at = left + (this.#usual >> 3);
    const size = Math.min(unread, this.#likely() - left, this.#largest - at);
    if (this.#usual === 0 || size <= 0) return;
    const bytes = this.#takeSpare(at + size);
    const reading = this.#segment.read(this.#offset + buffered, bytes.subarray(at, at + size));
    reading.catch(() => {}); // Handled when it is awaited.
    this.#ahead = { bytes, at, reading };
  }

  /** Appends the bytes read ahead to the rest of the buffer. */
  async #join({ bytes, at, reading }: ReadAhead): Promise<void> {
    this.#ahead = null;
    let count = await reading;
    const rest = this.#bytes.subarray(this.#from, this.#filled);
    let target = bytes;
    let from = at - rest.length;
    if (from < ROOM) {
      // The last batch was smaller than usual, and left more than there is room for.
      from = ROOM;
      count = Math.min(count, this.#largest - from - rest.length);
      target = this.#takeSpare(from + rest.length + count);
      target.set(bytes.subarray(at, at + count), from + rest.length);
      this.#spare.unshift(bytes);
    }
    target.set(rest, from);
    this.#spare.push(this.#bytes);
    this.#setBytes(target, from, from + rest.length + count);
  }

  /** Continues in another buffer. */
  #setBytes(bytes: Uint8Array<ArrayBuffer>, from: number, filled: number): void {
    this.#bytes = bytes;
    this.#from = from;
    this.#filled = filled;
    this.#used = 0;
  }

  /** Reads until there is a complete line, nothing more to read, or a line that is too long. */
  async #fill(end: number, sealed: boolean): Promise<RecordBatch | null> {
    if (this.#ahead) {
      await this.#join(this.#ahead);
      const buffered = this.#filled - this.#from;
      const enough = buffered >= this.#usual - (this.#usual >> 3) || this.#offset + buffered >= end;
      if (enough && findNewline(this.#bytes, this.#from, this.#filled) !== -1) return null;
      this.#moveRest();
      this.#spare.unshift(this.#spare.pop()!); // No batch uses it.
    } else {
      this.#moveRest();
    }
    for (;;) {
      const buffered = this.#filled - this.#from;
      const unread = end - this.#offset - buffered;
      if (unread <= 0) return null;
      if (buffered > this.#limits.recordBytes) {
        // Complete lines before the long one form a batch of their own.
        if (findNewline(this.#bytes, this.#from, this.#filled) !== -1) return null;
        return await this.#skipOversize(end, sealed);
      }
      this.#makeRoom(unread);
      const into = this.#bytes.subarray(this.#filled, this.#filled + this.#readSize(unread));
      const count = await this.#segment.read(this.#offset + buffered, into);
      if (count === 0) return null;
      const seen = this.#filled;
      this.#filled += count;
      if (findNewline(this.#bytes, seen, this.#filled) !== -1) return null;
    }
  }

  /**
   * Moves the partial line to another buffer: batches in flight may still use the previous ones.
   */
  #moveRest(): void {
    const rest = this.#bytes.subarray(this.#from, this.#filled);
    const target = this.#takeSpare(ROOM + rest.length);
    target.set(rest, ROOM);
    this.#spare.push(this.#bytes);
    this.#setBytes(target, ROOM, ROOM + rest.length);
  }

  /** Returns the least recently used buffer, or a new one if it is too short. */
  #takeSpare(length: number): Uint8Array<ArrayBuffer> {
    const spare = this.#spare.shift()!;
    return spare.length >= length ? spare : new Uint8Array(length);
  }

  /**
   * Slightly more than the next batch is likely to need: the excess is moved before the next read.
   */
  #likely(): number {
    return this.#usual + (this.#usual >> 4);
  }

  #readSize(unread: number): number {
    const likely = this.#likely() - (this.#filled - this.#from);
    return likely > 0 ? Math.min(unread, Math.max(likely, SMALLEST_BUFFER)) : unread;
  }

  #makeRoom(unread: number): void {
    const { bytes } = this.#limits;
    const wanted = Math.min(
      this.#largest,
      Math.max(
        // Thousands of small segments do not need large buffers.
        Math.min(SMALLEST_BUFFER, 2 * (this.#filled + unread)),
        this.#filled + Math.min(unread, Math.max(Math.min(bytes, READ_BYTES), this.#filled)),
      ),
    );
    if (this.#bytes.length >= wanted || this.#bytes.length > this.#filled + SMALLEST_BUFFER) return;
    const larger = new Uint8Array(wanted);
    larger.set(this.#bytes.subarray(0, this.#filled));
    this.#bytes = larger;
  }

  /** Reads the lines of a batch of this reader again; `false` if they no longer exist. */
  restore(batch: RecordBatch): Promise<boolean> {
    return restoreBatch(this.#segment, batch);
  }

  #cut(): RecordBatch {
    const { bytes: maxBytes, records: maxRecords } = this.#limits;
    const batch = new RecordBatch(this.#bytes, this.#offset - this.#from, maxRecords);
    batch.room = this.#from - this.#used;
    const at = splitRecords(batch, {
      from: this.#from,
      filled: this.#filled,
      maxBytes,
      exclusive: this.#exclusive,
      settledLines: this.#segment.settledLines,
    });
    // A batch that ended before a complete line, as next to an exclusive record, says nothing about
    // size.
    const isTelling = batch.count === maxRecords ||
      (batch.count > 0 && findNewline(this.#bytes, at, this.#filled) === -1);
    this.#usual = isTelling
      ? Math.min(maxBytes, READ_BYTES, Math.ceil((at - this.#from) * maxRecords / batch.count))
      : 0;
    batch.to = this.#offset = batch.base + at;
    this.#from = this.#used = at;
    return batch;
  }

  /** Returns the last line of a segment whose writer died before or while it wrote the newline. */
  #tornTail(): RecordBatch {
    const bytes = this.#bytes;
    const from = this.#from, to = this.#filled;
    const offset = this.#offset;
    const batch = new RecordBatch(bytes, offset - from, 1);
    this.#from = this.#used = to;
    batch.to = this.#offset = offset + (to - from);
    if (this.#segment.settledLines.has(offset)) return batch;
    const start = offset === 0 ? contentStart(bytes, from) : from;
    const span = readRecord(bytes, start, to, this.#span);
    if (span && isValidRecord(bytes, from, to)) batch.add(span, from, to);
    else batch.corrupt.push(corruptLine("torn", offset, bytes.slice(from, to)));
    return batch;
  }

  /** Skips a line that is too long for memory; returns `null` if its end is not written yet. */
  async #skipOversize(end: number, sealed: boolean): Promise<RecordBatch | null> {
    const offset = this.#offset;
    const from = offset + (this.#filled - this.#from);
    const { at, found } = await findLineEnd(this.#segment, from, end);
    if (!found && !sealed) return null;
    const to = found ? at + 1 : at;
    this.#setBytes(NOTHING, 0, 0);
    this.#offset = to;
    const batch = new RecordBatch(this.#bytes, to, 0);
    batch.to = to;
    if (!this.#segment.settledLines.has(offset)) {
      batch.corrupt.push({ reason: "oversize", offset, length: at - offset });
    }
    return batch;
  }
}
