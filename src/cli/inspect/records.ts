/**
 * `weave-wal inspect` without `--tree`: lists records.
 *
 * @module
 */

import type { LineSet } from "../../wal/segment/delivered_lines.ts";
import { hasCode } from "../../errors.ts";
import { type Context, pause, throwIfStopped } from "../context.ts";
import { CommandError, EXIT } from "../exit_codes.ts";
import { formatCount, plural, printable } from "../terminal/format.ts";
import { writeJson } from "../terminal/json_output.ts";
import { columnTitles, jsonOf, lineFacts, partHeading, type RecordState, rowOf } from "./rows.ts";
import type { LogPart } from "../logs/log_part.ts";
import type { LogStore } from "../logs/log_store.ts";
import { beginProgress, type Progress } from "../terminal/progress.ts";
import type { RecordFacts } from "./record_facts.ts";
import { type RecordFilter, recordFilter } from "./record_filter.ts";
import type { LogFilter } from "../logs/projects.ts";

/** Selection of the records to show. */
export interface InspectJob {
  readonly store: LogStore;
  readonly path: string | undefined;
  readonly logs: LogFilter;
  readonly filter: RecordFilter;
  readonly offset: number | undefined;
  /** Maximum number of records or traces; `Infinity` for all. */
  readonly limit: number;
  readonly follow: boolean;
  readonly json: boolean;
  /** For a tree: only traces with a failed call; also inputs and outputs. */
  readonly errors: boolean;
  readonly values: boolean;
}

/** Ms between two polls of `--follow`. */
const POLL_MS = 250;
/** Number of calls whose ops are cached for their ends. */
const MAX_OPS = 10_000;

const NO_FACTS: RecordFacts = {};

/** Shows records; resolves with the exit code. */
export async function showRecords(context: Context, job: InspectJob): Promise<number> {
  const printer = new Printer(context, job);
  const segments = await job.store.parts(job.path, job.logs);
  if (job.offset !== undefined && segments.length !== 1) {
    throw new CommandError(
      `Cannot use --offset with ${plural(segments.length, job.store.partKind)}: name a single one`,
    );
  }
  const total = segments.reduce((sum, { size }) => sum + size, 0);
  const { terminal, runtime: { clock }, stop } = context;
  // Rows scrolling by are progress enough, unless a filter leaves none for long.
  const when = terminal.out.isTerminal ? "quiet" : "large";
  const progress = await beginProgress(terminal, clock, "Reading", total, when);
  try {
    await printer.begin(segments.length);
    for (const segment of segments) await printer.segment(segment, progress, total);
  } finally {
    progress.stop();
  }
  await printer.end();
  while (job.follow && !printer.full) {
    await pause(clock, POLL_MS, stop);
    throwIfStopped(stop);
    // A deleted file was delivered: there is nothing more to follow.
    if (job.path !== undefined && !job.store.hasPath(job.path)) break;
    for (const segment of await job.store.parts(job.path, job.logs)) {
      await printer.segment(segment, null, 0);
    }
  }
  return EXIT.ok;
}

class Printer {
  readonly #context: Context;
  readonly #job: InspectJob;
  /** Positions to continue from in each file, for `--follow`. */
  readonly #read = new Map<string, number>();
  /** Ops of the calls read last, by ID. */
  readonly #ops = new Map<string, string>();
  #heading: string | null = null;
  #shown = 0;
  #done = 0;
  /** Offset of the first record after the limit. */
  #next: { file: string; offset: number } | null = null;

  constructor(context: Context, job: InspectJob) {
    this.#context = context;
    this.#job = job;
  }

  get full(): boolean {
    return this.#shown >= this.#job.limit;
  }

  async begin(files: number): Promise<void> {
    const { out } = this.#context.terminal;
    const { json, path, store, follow } = this.#job;
    if (json) return;
    if (files === 0 && !follow) await out.write(`No records: ${printable(path ?? store.place)}\n`);
    else await out.write(columnTitles(out));
  }

  async end(): Promise<void> {
    const { json, path } = this.#job;
    if (json || this.#next === null) return;
    const { out } = this.#context.terminal;
    const goOn = path === undefined || this.#next.file !== path
      ? "--limit 0 shows all"
      : `--offset ${this.#next.offset} continues`;
    await out.write(out.colors.dim(`Shown: ${formatCount(this.#shown)}; ${goOn}\n`));
  }

  async segment(
    segment: LogPart,
    progress: Progress | null,
    total: number,
  ): Promise<void> {
    const { stop, terminal: { out } } = this.#context;
    const { json, filter, offset, limit, path } = this.#job;
    const { key } = segment;
    const from = this.#read.get(key) ?? offset ?? 0;
    if (from >= segment.size || this.#next !== null) return;
    const passes = recordFilter(filter, segment.begun);
    // JSON lines contain the request itself: without a filter, its data is not needed.
    const bare = json && filter.call === undefined && filter.since === undefined;
    const settled = { dead: await segment.deadLettered(), delivered: segment.delivered() };
    try {
      for await (const { bytes, lines, to } of segment.read({ from })) {
        throwIfStopped(stop);
        let text = "";
        for (const line of lines) {
          const facts = bare ? NO_FACTS : this.#named(lineFacts(line, bytes));
          if ("record" in line && !passes(bytes, line.record, facts)) continue;
          if ("corrupt" in line && (filter.types.length > 0 || filter.call !== undefined)) continue;
          if (this.#shown >= limit) {
            this.#next = { file: path ?? key, offset: line.offset };
            break;
          }
          this.#shown++;
          const state = stateOf(line.offset, segment, settled);
          if (!json) text += this.#headingOf(segment);
          text += json ? jsonOf(line, bytes, state, segment) : rowOf(line, facts, state, out);
        }
        if (text !== "") {
          if (out.isTerminal) progress?.hide();
          await (json ? writeJson(out, text) : out.write(text));
        }
        const before = this.#read.get(key) ?? from;
        this.#read.set(key, to);
        progress?.update(this.#done += to - before, total);
        if (this.#next !== null) return;
      }
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error; // Delivered meanwhile.
    }
  }

  /** Adds the op to an end, which does not contain it, from its start if that was read. */
  #named(facts: RecordFacts): RecordFacts {
    const { callId, op } = facts;
    if (callId === undefined) return facts;
    if (op === undefined) return { ...facts, op: this.#ops.get(callId) };
    this.#ops.set(callId, op);
    if (this.#ops.size > MAX_OPS) this.#ops.delete(this.#ops.keys().next().value!);
    return facts;
  }

  #headingOf(segment: LogPart): string {
    if (this.#heading === segment.key) return "";
    this.#heading = segment.key;
    return partHeading(segment, this.#context.terminal.out);
  }
}

/** Lines after the first pending record that are not pending. */
interface SettledLines {
  readonly dead: ReadonlySet<number>;
  readonly delivered: LineSet;
}

function stateOf(
  offset: number,
  { pendingFrom }: LogPart,
  { dead, delivered }: SettledLines,
): RecordState {
  if (dead.has(offset)) return "dead letter";
  return offset < pendingFrom || delivered.has(offset) ? "sent" : "pending";
}
