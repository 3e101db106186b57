/**
 * Logs in memory, and a batch reader for them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type LineSet, NO_LINES } from "../../../src/wal/segment/delivered_lines.ts";
import type { Segment } from "../../../src/wal/segment/segment.ts";
import type { RecordBatch } from "../../../src/wal/record/record_batch.ts";
import { type BatchLimits, BatchReader } from "../../../src/wal/record/batch_reader.ts";
import type { RecordType } from "../../../src/protocol/record_types.ts";
import { bytesOf, joined } from "./wal_fixture.ts";

export const LIMITS: BatchLimits = {
  bytes: 1_000_000,
  records: 1_000,
  recordBytes: 2_000_000,
  isExclusive: () => false,
};

/** Headroom of a buffer, in bytes. */
export const ROOM = 16;

/** A segment of bytes that a test can change. */
export class Bytes implements Segment {
  assertHeld(): void {}
  readonly name = "bytes";
  readonly begun: number = 0;
  readonly live = false;
  readonly checkpoint = 0;
  settledLines: LineSet = NO_LINES;
  bytes: Uint8Array;
  sealed: boolean = true;
  /** Maximum number of bytes per read. */
  atOnce: number = Infinity;
  reads: { offset: number; length: number }[] = [];

  constructor(content: string | Uint8Array) {
    this.bytes = typeof content === "string" ? bytesOf(content) : content;
  }

  append(text: string): void {
    this.bytes = joined(this.bytes, bytesOf(text));
  }
  end: () => number = () => this.bytes.length;
  isSealed: () => boolean = () => this.sealed;
  read(offset: number, into: Uint8Array): Promise<number> {
    this.reads.push({ offset, length: into.length });
    const found = this.bytes.subarray(offset, offset + Math.min(into.length, this.atOnce));
    into.set(found);
    return Promise.resolve(found.length);
  }
  acknowledge(): void {}
  deadLetterLines: () => Promise<void> = () => Promise.resolve();
  complete(): void {}
  release(): void {}
  isGone: () => boolean = () => false;
}

/** A line of the log. */
export function line(name: string, type: RecordType = "obj_create"): string {
  return `{"type":"${type}","req":{"n":"${name}"}}\n`;
}

/** The lines of a batch. */
export function texts(batch: RecordBatch): string[] {
  return batch.records(() => true).map(({ start, end }) =>
    new TextDecoder().decode(batch.bytes.subarray(start, end))
  );
}

/** All batches of a log. */
export interface ReadLog {
  /** The records of each batch. */
  readonly batches: string[][];
  readonly corrupt: { reason: string; offset: number; length: number }[];
  /** The offset after the last batch. */
  readonly to: number;
}

/** Reads to the end: the content of each batch, and the corrupt parts in between. */
export async function readAll(
  segment: Bytes,
  limits: Partial<BatchLimits> = {},
  offset = 0,
): Promise<ReadLog> {
  const reader = new BatchReader(segment, { ...LIMITS, ...limits }, offset);
  const batches: string[][] = [];
  const corrupt: { reason: string; offset: number; length: number }[] = [];
  for (let batch = await reader.next(segment.sealed); batch;) {
    batches.push(texts(batch));
    for (const { reason, offset, length } of batch.corrupt) {
      corrupt.push({ reason, offset, length });
    }
    assert.equal(batch.to, reader.offset);
    batch = await reader.next(segment.sealed);
  }
  return { batches, corrupt, to: reader.offset };
}

/** The text of all lines of a batch. */
export function lineTexts({ bytes, count, lineStarts, lineEnds }: RecordBatch): string {
  let text = "";
  for (let index = 0; index < count; index++) {
    text += `${decoder.decode(bytes.subarray(lineStarts[index], lineEnds[index]))}\n`;
  }
  return text;
}

const decoder = new TextDecoder();
