/**
 * A part of a log whose records are read for people: a segment, or the records of a project in a
 * stream.
 *
 * @module
 */

import type { LineSet } from "../../wal/segment/delivered_lines.ts";
import type { BlockOptions, LogBatch, LogBlock } from "./log_lines.ts";
import type { ProjectPath } from "./projects.ts";

/** Positions of records: byte offsets in a segment, positions of messages in a stream. */
export interface PartRange {
  /** Position to start at; the start of the part by default. */
  readonly from?: number;
  /** Position to stop before; the end of the part by default. */
  readonly to?: number;
  /** Lines to skip. */
  readonly settledLines?: LineSet;
}

/** Records that are read together. */
export interface LogPart extends ProjectPath {
  /** Names it among all parts of the log. */
  readonly key: string;
  /** Its name in JSON. */
  readonly name: string;
  /** Facts for its heading. */
  readonly about: string;
  /** Position after its last record. */
  readonly size: number;
  /** Position of its first pending record. */
  readonly pendingFrom: number;
  /** Bytes to read for its pending records. */
  readonly pendingBytes: number;
  /** When it was started, epoch ms; `null` if unknown. */
  readonly begun: number | null;
  /** Returns when it was last written, epoch ms; `null` if unknown. */
  written(): number | null;
  /** Reads its lines, in order. */
  read(range?: PartRange): AsyncGenerator<LogBatch>;
  /** Reads the lines at a position: one of a segment, all of a message; none if it is not there. */
  at(position: number): AsyncGenerator<LogBatch>;
  /** Splits it into blocks, the last one first. */
  blocksFromEnd(options?: BlockOptions): AsyncGenerator<LogBlock>;
  /** Positions of lines that are dead letters. */
  deadLettered(): Promise<ReadonlySet<number>>;
  /** Positions of lines after the first pending record that are delivered. */
  delivered(): LineSet;
}
