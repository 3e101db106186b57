/**
 * The log in memory: the same records, bounded, and lost with the process.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { RECORD_TYPES, type RecordType } from "../../protocol/record_types.ts";
import {
  findNewline,
  readRecord,
  RECORD_PREFIX,
  RECORD_SUFFIX,
  type RecordSpan,
} from "../record/record.ts";
import { type LineSet, NO_LINES } from "../segment/delivered_lines.ts";
import type { LogListener, RequestLog } from "./record_log.ts";
import type { DeadLetter, Segment } from "../segment/segment.ts";

/** Limits of a memory log. */
export interface MemoryLogOptions {
  /** Maximum bytes of pending records. */
  readonly maxBytes: number;
  /** Maximum number of pending records. */
  readonly maxRecords: number;
  readonly clock: Clock;
  readonly listener: LogListener;
  /** Reports dead letters, since there is no disk to keep them on. */
  readonly onDeadLetter: (deadLetters: readonly DeadLetter[]) => void;
}

/** Keeps records in memory until they are delivered. */
export class MemoryLog implements RequestLog {
  readonly kind = "memory";
  readonly #options: MemoryLogOptions;
  readonly #written = { records: 0, bytes: 0 };
  #segments: MemorySegment[] = [];
  #segment: MemorySegment | null = null;

  /** Creates an empty log. */
  constructor(options: MemoryLogOptions) {
    this.#options = options;
  }

  /**
   * Appends one request; see {@linkcode RequestLog.append}.
   *
   * @throws {WeaveWalError} `ERR_LOG_FULL` if a limit is reached.
   */
  append(type: RecordType, request: string): void {
    const { clock, listener, onDeadLetter, maxBytes, maxRecords } = this.#options;
    if (this.#segment === null) {
      this.#segment = new MemorySegment(clock.now(), onDeadLetter);
      this.#segments = this.#segments.filter(({ records }) => records > 0);
      this.#segments.push(this.#segment);
      listener.onSegment(this.#segment);
    }
    const line = RECORD_PREFIX[type] + request + RECORD_SUFFIX;
    if (this.#segment.records >= maxRecords || this.#segment.bytes + line.length > maxBytes) {
      throw new WeaveWalError(
        "ERR_LOG_FULL",
        `Memory log is full: ${this.#segment.records} records, ${this.#segment.bytes} bytes`,
      );
    }
    this.#written.bytes += this.#segment.append(line);
    this.#written.records++;
    listener.onAppend();
  }

  get written(): { readonly records: number; readonly bytes: number } {
    return this.#written;
  }

  /** Number of records that are neither delivered nor dropped. */
  get waiting(): number {
    return this.pending.records;
  }

  /** Records and bytes that exist only in this log. */
  get pending(): { readonly records: number; readonly bytes: number } {
    let records = 0;
    let bytes = 0;
    for (const segment of this.#segments) {
      records += segment.records;
      if (segment.records > 0) bytes += segment.bytes;
    }
    return { records, bytes };
  }

  /**
   * Moves pending records to `log`, in order. Used in a process without a sender.
   *
   * If `log` throws, the record and all later ones stay here, and the error is rethrown.
   */
  moveTo(log: Pick<RequestLog, "append">): void {
    for (const segment of this.#segments) {
      segment.moveTo((type, request, bytes) => {
        log.append(type, request);
        this.#written.records--;
        this.#written.bytes -= bytes;
      });
    }
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  heartbeat(): void {}

  rotate(): void {
    this.#segment?.seal();
    this.#segment = null;
    this.#options.listener.onAppend();
  }

  close(): void {
    this.rotate();
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }
}

interface Block {
  /** Offset of the block's first byte in the segment. */
  readonly base: number;
  readonly bytes: Uint8Array;
  used: number;
}

const BLOCK_BYTES = 256 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

class MemorySegment implements Segment {
  readonly name = "memory";
  readonly checkpoint = 0;
  readonly begun: number;
  readonly live = true;
  readonly settledLines: LineSet = NO_LINES;
  readonly #onDeadLetter: (deadLetters: readonly DeadLetter[]) => void;
  #blocks: Block[] = [];
  #end = 0;
  #acknowledged = 0;
  #sealed = false;
  /** Number of pending records. */
  records = 0;

  constructor(begun: number, onDeadLetter: (deadLetters: readonly DeadLetter[]) => void) {
    this.begun = begun;
    this.#onDeadLetter = onDeadLetter;
  }

  /** Bytes of pending records. */
  get bytes(): number {
    return this.#end - this.#acknowledged;
  }

  append(line: string): number {
    let block = this.#blocks.at(-1);
    let result = block && encoder.encodeInto(line, block.bytes.subarray(block.used));
    if (!block || result!.read < line.length) {
      const bytes = new Uint8Array(Math.max(BLOCK_BYTES, line.length * 3));
      block = { base: this.#end, bytes, used: 0 };
      this.#blocks.push(block);
      result = encoder.encodeInto(line, bytes);
    }
    block.used += result!.written;
    this.#end += result!.written;
    this.records++;
    return result!.written;
  }

  moveTo(take: (type: RecordType, request: string, bytes: number) => void): void {
    const span: RecordSpan = { code: 0, start: 0, end: 0, canonical: true };
    while (this.records > 0) {
      const { bytes, base, used } = this.#blocks[0];
      const from = Math.max(0, this.#acknowledged - base);
      const newline = findNewline(bytes, from, used);
      readRecord(bytes, from, newline, span);
      const request = decoder.decode(bytes.subarray(span.start, span.end));
      take(RECORD_TYPES[span.code], request, newline + 1 - from);
      this.acknowledge(base + newline + 1);
    }
  }

  seal(): void {
    this.#sealed = true;
  }

  end(): number {
    return this.#end;
  }

  isSealed(): boolean {
    return this.#sealed;
  }

  read(offset: number, into: Uint8Array): Promise<number> {
    let count = 0;
    for (const block of this.#blocks) {
      const from = offset + count - block.base;
      if (from < 0 || from >= block.used) continue;
      const part = block.bytes.subarray(from, Math.min(block.used, from + into.length - count));
      into.set(part, count);
      count += part.length;
      if (count === into.length) break;
    }
    return Promise.resolve(count);
  }

  acknowledge(offset: number): void {
    for (const block of this.#blocks) {
      const to = Math.min(block.used, offset - block.base);
      for (let at = Math.max(0, this.#acknowledged - block.base); at < to; this.records--) {
        const newline = findNewline(block.bytes, at, to);
        if (newline === -1) break;
        at = newline + 1;
      }
    }
    this.#acknowledged = offset;
    this.#blocks = this.#blocks.filter((block) => block.base + block.used > offset);
  }

  deadLetterLines(deadLetters: readonly DeadLetter[]): Promise<void> {
    this.#onDeadLetter(deadLetters);
    return Promise.resolve();
  }

  complete(): void {
    this.#blocks = [];
    this.records = 0;
  }

  release(): void {}

  assertHeld(): void {}

  isGone(): boolean {
    return true;
  }
}
