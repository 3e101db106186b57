/**
 * What waits in the logs, for whom, and why: the data behind `weave-wal status`.
 *
 * @module
 */

import { basename } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import {
  inspectSegment,
  listStems,
  pendingBytes,
  type SegmentState,
  type StemFiles,
} from "../../wal/ownership/segment_status.ts";
import { readSenderNotes, type SenderView } from "../../wal/ownership/sender_status.ts";
import { type DeadLetterCount, DeadLetterCounter, sumCounts } from "./dead_letter_count.ts";
import { deadLetterPaths } from "../dead_letters/files.ts";
import { oldestPending } from "./oldest_record.ts";
import { PendingCounter } from "./pending_counter.ts";
import { listProjects, type ProjectFilter, type ProjectPath } from "../logs/projects.ts";

/** One segment. */
export interface SegmentReport {
  readonly state: SegmentState;
  readonly pendingRecords: number;
  readonly pendingBytes: number;
  /** Epoch ms of the oldest waiting record. */
  readonly oldest: number | null;
}

/** One project. */
export interface ProjectReport extends ProjectPath {
  readonly segments: readonly SegmentReport[];
  readonly pendingRecords: number;
  readonly pendingBytes: number;
  /** Epoch ms of the oldest waiting record. */
  readonly oldest: number | null;
  readonly deadLetters: DeadLetterCount;
}

/** All logs below one root. */
export interface StatusReport {
  readonly root: string;
  /** When it was made, epoch ms. */
  readonly at: number;
  readonly projects: readonly ProjectReport[];
  readonly senders: readonly SenderView[];
}

/** Makes reports of one root, each cheaper than the first: what was counted is remembered. */
export class StatusReporter {
  readonly #runtime: Runtime;
  readonly #root: string;
  readonly #filter: ProjectFilter;
  readonly #pending: PendingCounter;
  readonly #deadLetters: DeadLetterCounter;

  /** @param onBytes Told of bytes as they are read; may throw to stop. */
  constructor(
    runtime: Runtime,
    root: string,
    filter: ProjectFilter,
    onBytes: (bytes: number) => void,
  ) {
    this.#runtime = runtime;
    this.#root = root;
    this.#filter = filter;
    this.#pending = new PendingCounter(runtime.files, onBytes);
    this.#deadLetters = new DeadLetterCounter(runtime.files);
  }

  /**
   * Makes a report.
   *
   * @param onCost Told how many bytes are to be read, before they are.
   */
  async report(onCost: (bytes: number) => void | Promise<void>): Promise<StatusReport> {
    const at = this.#runtime.clock.now();
    const projects = listProjects(this.#runtime, this.#root, this.#filter)
      .map((project) => ({ project, ...this.#look(project.directory) }));
    const states = projects.flatMap((project) => project.states);
    await onCost(states.reduce((sum, state) => sum + this.#pending.cost(state), 0));
    const reports: ProjectReport[] = [];
    for (const { project, states, stems } of projects) {
      const segments: SegmentReport[] = [];
      for (const state of states) {
        const report = await this.#segment(state);
        if (report) segments.push(report);
      }
      const paths = deadLetterPaths(this.#runtime.files, project.directory, stems);
      const counts: DeadLetterCount[] = [];
      for (const { path } of paths) counts.push(await this.#deadLetters.count(path));
      reports.push({
        ...project,
        segments,
        pendingRecords: sum(segments.map(({ pendingRecords }) => pendingRecords)),
        pendingBytes: sum(segments.map(({ pendingBytes }) => pendingBytes)),
        oldest: least(segments.map(({ oldest }) => oldest)),
        deadLetters: sumCounts(counts),
      });
    }
    this.#pending.keep(new Set(states.map(({ paths }) => paths.data)));
    const senders = readSenderNotes(this.#runtime, this.#root);
    return { root: this.#root, at, projects: reports, senders };
  }

  #look(directory: string): { stems: StemFiles[]; states: SegmentState[] } {
    try {
      const stems = listStems(this.#runtime.files, directory);
      const states = stems.map((stem) => inspectSegment(this.#runtime, stem));
      return { stems, states: states.filter((state) => state !== null) };
    } catch (error) {
      if (hasCode(error, "ENOENT")) return { stems: [], states: [] };
      throw error;
    }
  }

  async #segment(state: SegmentState): Promise<SegmentReport | null> {
    try {
      return {
        state,
        pendingRecords: await this.#pending.count(state),
        pendingBytes: pendingBytes(state),
        oldest: await oldestPending(this.#runtime.files, state),
      };
    } catch (error) {
      if (hasCode(error, "ENOENT")) return null; // Delivered while we looked.
      throw error;
    }
  }
}

/** What a whole report adds up to. */
export interface StatusTotals {
  readonly projects: number;
  readonly files: number;
  readonly pendingRecords: number;
  readonly pendingBytes: number;
  readonly oldest: number | null;
  readonly deadLetters: number;
}

/** Adds a report up. */
export function totalsOf({ projects }: StatusReport): StatusTotals {
  return {
    projects: projects.length,
    files: sum(projects.map(({ segments }) => segments.length)),
    pendingRecords: sum(projects.map(({ pendingRecords }) => pendingRecords)),
    pendingBytes: sum(projects.map(({ pendingBytes }) => pendingBytes)),
    oldest: least(projects.map(({ oldest }) => oldest)),
    deadLetters: sum(projects.map(({ deadLetters }) => deadLetters.total)),
  };
}

/** A segment's file name. */
export function fileName({ paths }: SegmentState): string {
  return basename(paths.data);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function least(numbers: readonly (number | null)[]): number | null {
  const known = numbers.filter((number) => number !== null);
  return known.length === 0 ? null : Math.min(...known);
}
