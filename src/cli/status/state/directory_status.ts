/**
 * Reports of the logs below one root.
 *
 * @module
 */

import { hasCode } from "../../../errors.ts";
import { partitionInSlices, Slices } from "../../../runtime/event_loop.ts";
import type { Runtime } from "../../../runtime/runtime.ts";
import { hasLosses } from "../../../wal/processes/presence_state.ts";
import {
  isRunning,
  type ProcessView,
  readProcesses,
} from "../../../wal/processes/process_status.ts";
import {
  deadLettersAreFor,
  inspectSegments,
  isForServer,
  listSegments,
  ProcessCache,
  type SegmentFiles,
  type SegmentState,
} from "../../../wal/orphans/segment_status.ts";
import { interruptedWriters } from "../../../wal/open_calls/interrupted_writers.ts";
import { SEGMENT_SUFFIX } from "../../../wal/segment/segment_name.ts";
import { projectDirectory } from "../../../wal/segment/project_directory.ts";
import { deadLetterPaths } from "../../dead_letters/files.ts";
import { isMeant, listProjects, type LogFilter, type ProjectPath } from "../../logs/projects.ts";
import { partsOf } from "../../logs/segment_parts.ts";
import { DeadLetterCounter } from "./dead_letter_count.ts";
import { healthOf, type ReportedLog, reportedLogs } from "./log_health.ts";
import { CountBudget } from "../../../wal/segment/pending_count.ts";
import type { SegmentReport } from "./part_report.ts";
import { PartSummarizer } from "./part_summary.ts";
import { PendingCounter } from "./pending_counter.ts";
import type { OnProgress, ProjectReport, StatusReport, StatusSource } from "../report.ts";

/** Contents of a project's directory. */
interface Look {
  /** Stems with dead letters. */
  readonly deadLetters: readonly SegmentFiles[];
  readonly states: readonly SegmentState[];
  readonly interrupted: number;
}

/**
 * Returns whether a process itself is reported: one that has ended and lost nothing only left
 * segments.
 */
function isOfInterest(process: ProcessView): boolean {
  return isRunning(process) || (process.log !== null && hasLosses(process.log));
}

/** Makes reports of one root, each cheaper than the first: what was counted is remembered. */
export class StatusReporter implements StatusSource<SegmentState> {
  readonly #runtime: Runtime;
  readonly #root: string;
  readonly #filter: LogFilter;
  readonly #pending: PendingCounter;
  readonly #deadLetters: DeadLetterCounter;
  readonly #onProgress: OnProgress;

  /** Makes a reporter that has read nothing. */
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

  /** Makes a report. */
  async report(): Promise<StatusReport<SegmentState>> {
    const { server } = this.#filter;
    const at = this.#runtime.clock.now();
    const all = await readProcesses(this.#runtime, this.#root);
    const cache = new ProcessCache(all);
    const processes = all.filter((process) =>
      isOfInterest(process) && (server === undefined || process.server === server)
    );
    const logs = reportedLogs(processes).filter(({ log }) => isMeant(log, this.#filter));
    const found = [];
    for (const project of await this.#projects(logs)) {
      found.push({ project, ...await this.#look(project.directory, cache) });
    }
    const states = found.flatMap((project) => project.states);
    const budget = new CountBudget();
    this.#pending.begin();
    let counted = 0;
    const onCounted = (): void => this.#onProgress(++counted, states.length);
    const projects: ProjectReport<SegmentState>[] = [];
    for (const { project, ...files } of found) {
      const own = logs.filter(({ log }) =>
        !project.python && log.entity === project.entity && log.project === project.project
      );
      projects.push(await this.#project(project, files, own, { budget, onCounted }));
    }
    const { pythonRoot } = this.#filter;
    const hasPythons = projects.some(({ directory }) => !directory.startsWith(this.#root));
    const roots = [this.#root, ...(hasPythons && pythonRoot ? [pythonRoot] : [])];
    return { unit: "file", root: this.#root, roots, at, projects, processes };
  }

  /** Those with a directory, and those whose processes got none. */
  async #projects(logs: readonly ReportedLog[]): Promise<ProjectPath[]> {
    const projects = await listProjects(this.#runtime, this.#root, this.#filter);
    for (const { log: { entity, project } } of logs) {
      const isListed = (path: ProjectPath): boolean =>
        !path.python && path.entity === entity && path.project === project;
      if (projects.some(isListed)) continue;
      try {
        const directory = projectDirectory(this.#root, entity, project);
        projects.push({ entity, project, directory });
      } catch {
        // A presence file may say anything.
      }
    }
    return projects;
  }

  async #look(
    directory: string,
    cache: ProcessCache,
  ): Promise<Look> {
    const { server } = this.#filter;
    try {
      const listed = await listSegments(this.#runtime, directory);
      const all = await inspectSegments(this.#runtime, listed, cache);
      const cutOff = (await interruptedWriters(this.#runtime, listed, cache))
        .filter((one) => !one.hasData);
      const hasDeadLetters = (stem: SegmentFiles): boolean =>
        stem.suffixes.has(".deadletter") &&
        (server === undefined || deadLettersAreFor(this.#runtime, stem, server));
      const { clock } = this.#runtime;
      const [deadLetters] = await partitionInSlices(listed, hasDeadLetters, clock);
      if (server === undefined) return { deadLetters, states: all, interrupted: cutOff.length };
      return {
        deadLetters,
        states: all.filter((state) => isForServer(state, server)),
        interrupted: cutOff.filter((one) => isForServer(one, server)).length,
      };
    } catch (error) {
      if (hasCode(error, "ENOENT")) return { deadLetters: [], states: [], interrupted: 0 };
      throw error;
    }
  }

  async #project(
    project: ProjectPath,
    { deadLetters, states, interrupted }: Look,
    logs: readonly ReportedLog[],
    { budget, onCounted }: { budget: CountBudget; onCounted: () => void },
  ): Promise<ProjectReport<SegmentState>> {
    const slices = new Slices(this.#runtime.clock);
    const segments: SegmentReport<SegmentState>[] = [];
    const summarizer = new PartSummarizer();
    for (const state of states) {
      if (slices.isOver) await slices.next();
      const report = await this.#segment(state, budget);
      if (report !== null) {
        segments.push(report);
        summarizer.add(report);
      }
      onCounted();
    }
    const paths = deadLetterPaths(this.#runtime.files, project.directory, deadLetters);
    return {
      ...project,
      segments,
      ...summarizer.summary(),
      interrupted,
      deadLetters: await this.#deadLetters.countAll(paths.map(({ path }) => path)),
      logs,
      health: healthOf(logs),
      parts: (name) => Promise.resolve(partsOf(this.#runtime, project, states, name)),
    };
  }

  async #segment(
    state: SegmentState,
    budget: CountBudget,
  ): Promise<SegmentReport<SegmentState> | null> {
    try {
      const { records, bytes, isEstimate, oldest } = await this.#pending.count(state, budget);
      return {
        name: state.stem + SEGMENT_SUFFIX,
        state,
        pendingRecords: records,
        pendingEstimated: isEstimate,
        pendingBytes: bytes,
        oldest,
      };
    } catch (error) {
      if (hasCode(error, "ENOENT")) return null; // Delivered while we looked.
      throw error;
    }
  }
}
