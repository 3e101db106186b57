/**
 * The data of `weave-wal status`: what is pending in the logs, for which server, and why.
 *
 * @module
 */

import { basename } from "@std/path";
import { hasCode } from "../../errors.ts";
import { Slices } from "../../runtime/event_loop.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { type ProcessView, readProcesses } from "../../wal/ownership/process_status.ts";
import {
  deadLettersAreFor,
  inspectSegments,
  isForServer,
  listSegments,
  pendingBytes,
  ProcessCache,
  type SegmentFiles,
  type SegmentState,
} from "../../wal/ownership/segment_status.ts";
import { projectDirectory } from "../../wal/segment/segment_name.ts";
import { deadLetterPaths } from "../dead_letters/files.ts";
import { isMeant, listProjects, type LogFilter, type ProjectPath } from "../logs/projects.ts";
import { type DeadLetterCount, DeadLetterCounter } from "./dead_letter_count.ts";
import { healthOf, type LogHealth, type ReportedLog, reportedLogs } from "./log_health.ts";
import { CountBudget } from "../../wal/segment/pending_count.ts";
import { PendingCounter } from "./pending_counter.ts";

/** Report on one segment. */
export interface SegmentReport {
  readonly state: SegmentState;
  readonly pendingRecords: number;
  /** Whether `pendingRecords` is an estimate. */
  readonly pendingEstimated: boolean;
  readonly pendingBytes: number;
  /** Time of the oldest pending record, epoch ms. */
  readonly oldest: number | null;
}

/** Report on one project. */
export interface ProjectReport extends ProjectPath {
  readonly segments: readonly SegmentReport[];
  readonly pendingRecords: number;
  /** Whether `pendingRecords` is an estimate. */
  readonly pendingEstimated: boolean;
  readonly pendingBytes: number;
  /** Time of the oldest pending record, epoch ms. */
  readonly oldest: number | null;
  readonly deadLetters: DeadLetterCount;
  /** Log reports of the processes that write this project. */
  readonly logs: readonly ReportedLog[];
  readonly health: LogHealth;
}

/** Report on all logs in one root directory. */
export interface StatusReport {
  readonly root: string;
  /** The root directory, and that of the Python SDK's logs if there are any. */
  readonly roots: readonly string[];
  /** Time of the report, epoch ms. */
  readonly at: number;
  readonly projects: readonly ProjectReport[];
  /** The processes that write or send these logs. */
  readonly processes: readonly ProcessView[];
}

/**
 * Called when a segment was counted, with the number of segments done and in total; may throw to
 * stop.
 */
export type OnProgress = (done: number, total: number) => void;

/** Creates reports for one root directory. Counts are cached, so that later reports are cheaper. */
export class StatusReporter {
  readonly #runtime: Runtime;
  readonly #root: string;
  readonly #filter: LogFilter;
  readonly #pending: PendingCounter;
  readonly #deadLetters: DeadLetterCounter;
  readonly #onProgress: OnProgress;

  /** Creates a reporter with an empty cache. */
  constructor(
    runtime: Runtime,
    root: string,
    filter: LogFilter,
    onProgress: OnProgress = () => {},
  ) {
    this.#runtime = runtime;
    this.#root = root;
    this.#filter = filter;
    this.#onProgress = onProgress;
    this.#pending = new PendingCounter(runtime.files);
    this.#deadLetters = new DeadLetterCounter(runtime);
  }

  /** Creates a report. */
  async report(): Promise<StatusReport> {
    const { server } = this.#filter;
    const at = this.#runtime.clock.now();
    const all = await readProcesses(this.#runtime, this.#root);
    const cache = new ProcessCache(all);
    const processes = all.filter((process) => server === undefined || process.server === server);
    const logs = reportedLogs(processes).filter(({ log }) => isMeant(log, this.#filter));
    const found = [];
    for (const project of this.#projects(logs)) {
      found.push({ project, ...await this.#look(project.directory, cache) });
    }
    const states = found.flatMap((project) => project.states);
    const budget = new CountBudget();
    let counted = 0;
    const onCounted = (): void => this.#onProgress(++counted, states.length);
    const projects: ProjectReport[] = [];
    for (const { project, ...files } of found) {
      const own = logs.filter(({ log }) =>
        !project.python && log.entity === project.entity && log.project === project.project
      );
      projects.push(await this.#project(project, files, own, { budget, onCounted }));
    }
    this.#pending.keep(new Set(states.map(({ paths }) => paths.data)));
    const { pythonRoot } = this.#filter;
    const hasPythons = projects.some(({ directory }) => !directory.startsWith(this.#root));
    const roots = [this.#root, ...(hasPythons && pythonRoot ? [pythonRoot] : [])];
    return { root: this.#root, roots, at, projects, processes };
  }

  /** Returns projects with a directory, and those whose processes could not create one. */
  #projects(logs: readonly ReportedLog[]): ProjectPath[] {
    const projects = listProjects(this.#runtime, this.#root, this.#filter);
    for (const { log: { entity, project } } of logs) {
      const isListed = (path: ProjectPath): boolean =>
        !path.python && path.entity === entity && path.project === project;
      if (projects.some(isListed)) continue;
      try {
        const directory = projectDirectory(this.#root, entity, project);
        projects.push({ entity, project, directory });
      } catch {
        // A presence file may contain anything.
      }
    }
    return projects;
  }

  async #look(
    directory: string,
    cache: ProcessCache,
  ): Promise<{ stems: SegmentFiles[]; states: SegmentState[] }> {
    const { server } = this.#filter;
    try {
      const stems = await listSegments(this.#runtime, directory);
      const states = await inspectSegments(this.#runtime, stems, cache);
      if (server === undefined) return { stems, states };
      return {
        stems: stems.filter((stem) => deadLettersAreFor(this.#runtime, stem, server)),
        states: states.filter((state) => isForServer(state, server)),
      };
    } catch (error) {
      if (hasCode(error, "ENOENT")) return { stems: [], states: [] };
      throw error;
    }
  }

  async #project(
    project: ProjectPath,
    { stems, states }: { stems: readonly SegmentFiles[]; states: readonly SegmentState[] },
    logs: readonly ReportedLog[],
    { budget, onCounted }: { budget: CountBudget; onCounted: () => void },
  ): Promise<ProjectReport> {
    const slices = new Slices(this.#runtime.clock);
    const segments: SegmentReport[] = [];
    for (const state of states) {
      await slices.pause();
      const report = await this.#segment(state, budget);
      if (report) segments.push(report);
      onCounted();
    }
    const paths = deadLetterPaths(this.#runtime.files, project.directory, stems);
    return {
      ...project,
      segments,
      pendingRecords: sum(segments.map(({ pendingRecords }) => pendingRecords)),
      pendingEstimated: segments.some(({ pendingEstimated }) => pendingEstimated),
      pendingBytes: sum(segments.map(({ pendingBytes }) => pendingBytes)),
      oldest: least(segments.map(({ oldest }) => oldest)),
      deadLetters: await this.#deadLetters.countAll(paths.map(({ path }) => path)),
      logs,
      health: healthOf(logs),
    };
  }

  async #segment(state: SegmentState, budget: CountBudget): Promise<SegmentReport | null> {
    try {
      const { records, isEstimate, oldest } = await this.#pending.count(state, budget);
      return {
        state,
        pendingRecords: records,
        pendingEstimated: isEstimate,
        pendingBytes: pendingBytes(state),
        oldest,
      };
    } catch (error) {
      if (hasCode(error, "ENOENT")) return null; // Delivered meanwhile.
      throw error;
    }
  }
}

/** Totals of a report. */
export interface StatusTotals {
  readonly projects: number;
  readonly files: number;
  readonly pendingRecords: number;
  /** Whether `pendingRecords` is an estimate. */
  readonly pendingEstimated: boolean;
  readonly pendingBytes: number;
  readonly oldest: number | null;
  readonly deadLetters: number;
  /** Number of records that running processes dropped. */
  readonly droppedRecords: number;
  /** Number of records that exist only in the memory of processes. */
  readonly memoryRecords: number;
}

/** Computes the totals of a report. */
export function totalsOf({ projects }: StatusReport): StatusTotals {
  return {
    projects: projects.length,
    files: sum(projects.map(({ segments }) => segments.length)),
    pendingRecords: sum(projects.map(({ pendingRecords }) => pendingRecords)),
    pendingEstimated: projects.some(({ pendingEstimated }) => pendingEstimated),
    pendingBytes: sum(projects.map(({ pendingBytes }) => pendingBytes)),
    oldest: least(projects.map(({ oldest }) => oldest)),
    deadLetters: sum(projects.map(({ deadLetters }) => deadLetters.total)),
    droppedRecords: sum(projects.map(({ health }) => health.droppedRecords)),
    memoryRecords: sum(projects.map(({ health }) => health.memoryRecords)),
  };
}

/** Returns a segment's file name. */
export function fileName({ paths }: SegmentState): string {
  return basename(paths.data);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function least(numbers: readonly (number | null)[]): number | null {
  return numbers.reduce(
    (lowest, number) => number === null || (lowest !== null && lowest <= number) ? lowest : number,
    null,
  );
}
