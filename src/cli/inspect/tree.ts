/**
 * `weave-wal inspect --tree`: the calls of a log before they ever reached a server.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import { inspectSegment } from "../../wal/ownership/segment_status.ts";
import {
  CallForest,
  type CallNode,
  MAX_CALLS,
  type PlacedCall,
  type Trace,
  walk,
} from "./call_tree.ts";
import { type Context, throwIfStopped } from "../context.ts";
import { EXIT } from "../exit_codes.ts";
import { formatBytes, formatCount, formatDuration, plural, printable } from "../terminal/format.ts";
import type { InspectJob } from "./records.ts";
import { timeText } from "./rows.ts";
import { findLogs, withData } from "../logs/log_files.ts";
import { readLog } from "../logs/log_lines.ts";
import { beginProgress } from "../terminal/progress.ts";
import { matchesId } from "./record_filter.ts";
import { factsOf } from "./record_facts.ts";
import type { Output } from "../terminal/terminal.ts";

/** Shows trees; resolves with the exit code. */
export async function showTree(context: Context, job: InspectJob): Promise<number> {
  const { runtime, terminal, stop } = context;
  const segments = withData(findLogs(runtime, job.path, job.root, job.projects));
  const states = segments.map((stem) => ({ stem, state: inspectSegment(runtime, stem) }));
  const total = states.reduce((sum, { state }) => sum + (state?.size ?? 0), 0);
  const progress = await beginProgress(terminal, runtime.clock, "Reading", total);
  const printer = new TreePrinter(context, job, () => progress.hide());
  let done = 0;
  try {
    let project = "";
    let forest = new CallForest();
    for (const { stem, state } of states) {
      if (state === null) continue;
      const name = `${stem.entity}/${stem.project}`;
      if (name !== project) {
        await printer.traces(project, forest.take(0));
        forest = new CallForest();
        project = name;
      }
      let at = 0;
      try {
        for await (const { bytes, lines, to } of readLog(runtime, state)) {
          throwIfStopped(stop);
          for (const line of lines) {
            if (!("record" in line)) continue;
            const { type } = line.record;
            const facts = factsOf(bytes, line.record);
            if (type === "call_start" || type === "call_end") forest.add(type, facts, line.length);
            else forest.note(facts, line.length);
          }
          progress.update(done += to - at, total);
          at = to;
          if (forest.size > MAX_CALLS) {
            await printer.traces(project, forest.take(MAX_CALLS / 2));
          }
          if (printer.full) break;
        }
      } catch (error) {
        if (!hasCode(error, "ENOENT")) throw error; // Delivered while we looked.
      }
      if (printer.full) break;
    }
    await printer.traces(project, forest.take(0));
  } finally {
    progress.stop();
  }
  await printer.end();
  return EXIT.ok;
}

class TreePrinter {
  readonly #context: Context;
  readonly #job: InspectJob;
  readonly #makeRoom: () => void;
  #project: string | null = null;
  #shown = 0;
  #left = 0;

  /** @param makeRoom Called before traces are shown on a terminal. */
  constructor(context: Context, job: InspectJob, makeRoom: () => void) {
    this.#context = context;
    this.#job = job;
    this.#makeRoom = makeRoom;
  }

  /** Whether more traces would not be shown. */
  get full(): boolean {
    return this.#shown >= this.#job.limit && this.#left > 0;
  }

  async traces(project: string, traces: readonly Trace[]): Promise<void> {
    const { terminal: { out } } = this.#context;
    for (const trace of traces) {
      if (!this.#passes(trace)) continue;
      if (this.#shown >= this.#job.limit) {
        this.#left++;
        continue;
      }
      this.#shown++;
      if (out.isTerminal) this.#makeRoom();
      if (this.#job.json) {
        await out.write(traceJson(project, trace));
        continue;
      }
      const heading = this.#project === project ? "" : `${out.colours.bold(printable(project))}\n`;
      this.#project = project;
      await out.write(heading + traceText(trace, out));
    }
  }

  async end(): Promise<void> {
    if (this.#job.json) return;
    const { terminal: { out } } = this.#context;
    const { path, root } = this.#job;
    if (this.#shown === 0) await out.write(`No calls: ${printable(path ?? root)}\n`);
    if (this.#left > 0) {
      const text = `Shown: ${plural(this.#shown, "trace")}; --limit 0 for all\n`;
      await out.write(out.colours.dim(text));
    }
  }

  #passes({ calls }: Trace): boolean {
    const { call, since } = this.#job.filter;
    return calls.some(({ id, started, ended }) =>
      (call === undefined || matchesId(id, call)) &&
      (since === undefined || (started ?? ended ?? 0) >= since)
    );
  }
}

function traceText(trace: Trace, { colours }: Output): string {
  const failed = trace.calls.filter(({ exception }) => exception !== undefined).length;
  const running = trace.calls.filter(({ hasEnd }) => !hasEnd).length;
  const [first] = trace.roots;
  const facts = [
    first?.started === undefined ? null : timeText(first.started),
    plural(trace.calls.length, "call"),
    formatBytes(trace.calls.reduce((sum, { bytes }) => sum + bytes, 0)),
    failed === 0 ? null : colours.red(`${formatCount(failed)} failed`),
    running === 0 ? null : colours.yellow(`${formatCount(running)} without an end`),
  ].filter((fact) => fact !== null);
  let text = `${colours.dim("trace")} ${printable(trace.id)}  ${facts.join(", ")}\n`;
  for (const placed of walk(trace)) {
    text += `  ${colours.dim(branch(placed))}${callText(placed.call, colours)}\n`;
  }
  return text;
}

/** Levels that are drawn; what is deeper is told by a number. */
const MOST_LEVELS = 24;

function branch(placed: PlacedCall): string {
  if (placed.above === null) return "";
  let drawn = placed.isLast ? "└─ " : "├─ ";
  let levels = 1;
  for (let at = placed.above; at.above !== null; at = at.above) {
    if (++levels > MOST_LEVELS) return `… ${placed.depth} ${drawn}`;
    drawn = (at.isLast ? "   " : "│  ") + drawn;
  }
  return drawn;
}

function callText(call: CallNode, colours: Output["colours"]): string {
  const name = printable(call.displayName ?? call.op ?? "(its start is not in this log)");
  const time = duration(call);
  const state = !call.hasEnd
    ? colours.yellow("no end yet")
    : call.exception === undefined
    ? colours.green("✓")
    : colours.red(`✗ ${printable(call.exception).slice(0, 200)}`);
  const parts = [
    time === null ? null : formatDuration(time),
    formatBytes(call.bytes),
    state,
  ].filter((part) => part !== null);
  return `${name}  ${parts.join("  ")}`;
}

function duration({ started, ended }: CallNode): number | null {
  return started === undefined || ended === undefined ? null : Math.max(0, ended - started);
}

function traceJson(project: string, trace: Trace): string {
  let text = "";
  for (const { call, depth } of walk(trace)) {
    const { id, parentId, op, displayName, started, ended, exception, bytes } = call;
    text += `${
      JSON.stringify({
        project,
        traceId: trace.id,
        id,
        parentId: parentId ?? null,
        depth,
        op: op ?? null,
        displayName: displayName ?? null,
        startedAt: started === undefined ? null : new Date(started).toISOString(),
        endedAt: ended === undefined ? null : new Date(ended).toISOString(),
        durationMs: duration(call),
        exception: exception ?? null,
        bytes,
      })
    }\n`;
  }
  return text;
}
