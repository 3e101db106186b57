/**
 * Sums over the parts of a project's log: a directory may have a hundred thousand of them, in a few
 * different situations.
 *
 * @module
 */

import {
  isRunning,
  type ProcessLiveness,
  type Writer,
} from "../../../wal/processes/process_status.ts";
import type { Drainer } from "../../../wal/orphans/segment_status.ts";
import { parseStem } from "../../../wal/segment/segment_name.ts";
import type { SegmentReport } from "./part_report.ts";

/** Parts that are drained by the same process, and written by one or by ended ones alike. */
export interface PartGroup {
  /** The process that drains them; `null` if there is none. */
  readonly drainer: Drainer | null;
  /** The process that writes them, or one of those that have ended; `null` if none is known. */
  readonly writer: Writer | null;
  readonly files: number;
  readonly pendingRecords: number;
  /** Whether `pendingRecords` is an estimate. */
  readonly pendingEstimated: boolean;
  /** Zero in all parts of a group, or in none. */
  readonly pendingBytes: number;
}

/** The parts that one process wrote. */
export interface WriterParts {
  readonly writer: Writer;
  readonly files: number;
  readonly pendingBytes: number;
}

/** Sums over the parts of a project. */
export interface PartSummary {
  readonly groups: readonly PartGroup[];
  /** By the token of the writer. */
  readonly writers: ReadonlyMap<string, WriterParts>;
  /** Why a checkpoint is invalid; `null` if all are valid. */
  readonly invalidCheckpoint: string | null;
  readonly pendingRecords: number;
  /** Whether `pendingRecords` is an estimate. */
  readonly pendingEstimated: boolean;
  readonly pendingBytes: number;
  /** Time of the oldest pending record, epoch ms. */
  readonly oldest: number | null;
}

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/** Adds up parts one by one. */
export class PartSummarizer {
  readonly #groups = new Map<string, Writable<PartGroup>>();
  readonly #writers = new Map<string, Writable<WriterParts>>();
  #invalidCheckpoint: string | null = null;
  #oldest: number | null = null;

  /** Adds a part. */
  add(part: SegmentReport): void {
    const { state, pendingRecords, pendingEstimated, pendingBytes, oldest } = part;
    const { writer, drainer, stem, checkpoint } = state;
    const token = parseStem(stem)?.writer ?? stem;
    const wrote = writer === null
      ? ""
      : isRunning(writer)
      ? token
      : `${writer.liveness} ${writer.sends} ${writer.server}`;
    const group = `${drainer?.token} ${drainer?.as} ${pendingBytes > 0} ${wrote}`;
    let sum = this.#groups.get(group);
    if (sum === undefined) this.#groups.set(group, sum = { drainer, writer, ...NOTHING });
    sum.files++;
    sum.pendingRecords += pendingRecords;
    sum.pendingEstimated ||= pendingEstimated;
    sum.pendingBytes += pendingBytes;
    if (writer !== null) this.#addWriter(token, writer, pendingBytes);
    this.#invalidCheckpoint ??= checkpoint.invalidReason ?? null;
    if (oldest !== null) this.#oldest = Math.min(this.#oldest ?? oldest, oldest);
  }

  /** Returns the sums so far. */
  summary(): PartSummary {
    const groups = [...this.#groups.values()];
    let { pendingRecords, pendingEstimated, pendingBytes } = NOTHING;
    for (const group of groups) {
      pendingRecords += group.pendingRecords;
      pendingEstimated ||= group.pendingEstimated;
      pendingBytes += group.pendingBytes;
    }
    return {
      groups,
      writers: this.#writers,
      invalidCheckpoint: this.#invalidCheckpoint,
      pendingRecords,
      pendingEstimated,
      pendingBytes,
      oldest: this.#oldest,
    };
  }

  #addWriter(token: string, writer: Writer, pendingBytes: number): void {
    let parts = this.#writers.get(token);
    if (parts === undefined) {
      this.#writers.set(token, parts = { writer, files: 0, pendingBytes: 0 });
    }
    if (rank(writer) < rank(parts.writer)) parts.writer = writer;
    parts.files++;
    parts.pendingBytes += pendingBytes;
  }
}

const NOTHING = { files: 0, pendingRecords: 0, pendingEstimated: false, pendingBytes: 0 };

/** Sums up a few parts. */
export function summaryOf(parts: readonly SegmentReport[]): PartSummary {
  const summarizer = new PartSummarizer();
  for (const part of parts) summarizer.add(part);
  return summarizer.summary();
}

/** Order of significance for a writer with several files. */
const ORDER: readonly ProcessLiveness[] = ["alive", "unresponsive", "remote", "dead", "closed"];

function rank({ liveness }: Writer): number {
  return ORDER.indexOf(liveness);
}

/** Returns the writers of a project, by liveness; each counts once, whatever its number of files. */
export function writersOf(
  { writers }: Pick<PartSummary, "writers">,
): Map<ProcessLiveness, Writer[]> {
  const found = new Map<ProcessLiveness, Writer[]>(ORDER.map((liveness) => [liveness, []]));
  for (const { writer } of writers.values()) found.get(writer.liveness)!.push(writer);
  for (const liveness of ORDER) if (found.get(liveness)!.length === 0) found.delete(liveness);
  return found;
}
