/**
 * `weave-wal inspect --tree`: shows the calls of a log as trees, before they reach a server.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import { CallForest, type CallNode, type PlacedCall, type Trace, walk } from "./call_tree.ts";
import { type Context, throwIfStopped } from "../context.ts";
import { EXIT } from "../exit_codes.ts";
import { formatBytes, formatCount, formatDuration, plural, printable } from "../terminal/format.ts";
import { writeJson } from "../terminal/json_output.ts";
import { isOtelType } from "../../protocol/otlp/otel_request.ts";
import type { InspectJob } from "./records.ts";
import { timeText } from "./rows.ts";
import { beginProgress } from "../terminal/progress.ts";
import { matchesId } from "./record_filter.ts";
import { type CallValue, factsOf, spanFactsOf, valueOf } from "./record_facts.ts";
import type { LogPart } from "../logs/log_part.ts";
import type { Output } from "../terminal/terminal.ts";
import { clip, visibleWidth } from "../terminal/width.ts";

/** Shows trees, newest first; resolves with the exit code. */
export async function showTree(context: Context, job: InspectJob): Promise<number> {
  const { runtime, terminal } = context;
  const parts = await job.store.parts(job.path, job.logs);
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  const progress = await beginProgress(terminal, runtime.clock, "Reading", total);
  const printer = new TreePrinter(context, job, () => progress.hide());
  let done = 0;
  const onBytes = (bytes: number): void => progress.update(done += bytes, total);
  try {
    for (const [project, own] of byProject(parts)) {
      const forest = new CallForest();
      for (const part of own.reverse()) {
        await readFromEnd(context, job, part, forest, async (traces) => {
          await printer.traces(project, traces);
          return !printer.isFull;
        }, onBytes);
        if (printer.isFull) break;
      }
      await printer.traces(project, forest.takeAll());
    }
  } finally {
    progress.stop();
  }
  await printer.end();
  return EXIT.ok;
}

function byProject(parts: readonly LogPart[]): Map<string, LogPart[]> {
  const projects = new Map<string, LogPart[]>();
  for (const part of parts) {
    const name = `${part.entity}/${part.project}`;
    const own = projects.get(name);
    if (own) own.push(part);
    else projects.set(name, [part]);
  }
  return projects;
}

/** Reads a segment block by block from its end; `onTraces` returns whether to continue. */
async function readFromEnd(
  { stop }: Context,
  { values }: InspectJob,
  part: LogPart,
  forest: CallForest,
  onTraces: (traces: readonly Trace[]) => Promise<boolean>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  try {
    for await (const block of part.blocksFromEnd()) {
      for await (const { bytes, lines } of part.read(block)) {
        throwIfStopped(stop);
        for (const line of lines) {
          if (!("record" in line)) continue;
          const { type } = line.record;
          if (isOtelType(type)) {
            const spans = spanFactsOf(bytes, line.record);
            for (const span of spans) forest.addSpan(span, line.length / spans.length);
            continue;
          }
          const facts = factsOf(bytes, line.record);
          if (type === "call_start" || type === "call_end") {
            const value = values ? valueOf(bytes, line.record) : undefined;
            forest.add(type, facts, line.length, { value });
          } else forest.note(facts, line.length);
        }
      }
      onBytes(block.to - block.from);
      if (!await onTraces(forest.takeComplete())) return;
      if (forest.isFull && !await onTraces(forest.takeAll())) return;
    }
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error; // Delivered meanwhile.
  }
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
  get isFull(): boolean {
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
        await writeJson(out, traceJson(project, trace));
        continue;
      }
      const heading = this.#project === project ? "" : `${out.colors.bold(printable(project))}\n`;
      this.#project = project;
      await out.write(heading + traceText(trace, out, this.#job.values));
    }
  }

  async end(): Promise<void> {
    if (this.#job.json) return;
    const { terminal: { out } } = this.#context;
    const { path, store } = this.#job;
    if (this.#shown === 0) await out.write(`No calls: ${printable(path ?? store.place)}\n`);
    if (this.#left > 0) {
      const text = `Shown: the newest ${plural(this.#shown, "trace")}; --limit 0 shows all\n`;
      await out.write(out.colors.dim(text));
    }
  }

  #passes({ calls }: Trace): boolean {
    const { filter: { call, since }, errors } = this.#job;
    if (errors && !calls.some(({ exception }) => exception !== undefined)) return false;
    return calls.some(({ id, started, ended }) =>
      (call === undefined || matchesId(id, call)) &&
      (since === undefined || (started ?? ended ?? 0) >= since)
    );
  }
}

function traceText(trace: Trace, output: Output, values: boolean): string {
  const { colors, columns = Infinity } = output;
  const failed = trace.calls.filter(({ exception }) => exception !== undefined).length;
  const running = trace.calls.filter(({ hasEnd }) => !hasEnd).length;
  const [first] = trace.roots;
  const facts = [
    first?.started === undefined ? null : timeText(first.started),
    plural(trace.calls.length, "call"),
    formatBytes(trace.calls.reduce((sum, { bytes }) => sum + bytes, 0)),
    failed === 0 ? null : colors.red(`${formatCount(failed)} failed`),
    running === 0 ? null : colors.yellow(`${formatCount(running)} without an end`),
  ].filter((fact) => fact !== null);
  const title = `${colors.dim("trace")} ${printable(trace.id)}`;
  const about = `  ${facts.join(", ")}`;
  const isNarrow = visibleWidth(title + about) > columns;
  let text = isNarrow
    ? `${title}\n${visibleWidth(about) > columns ? withoutDate(about) : about}\n`
    : `${title}${about}\n`;
  for (const placed of walk(trace)) {
    const lines = branch(placed);
    const room = columns - 2 - lines.length;
    text += `  ${colors.dim(lines)}${callText(placed.call, colors, room)}\n`;
    if (values) text += valuesText(placed, output);
  }
  return text;
}

function withoutDate(about: string): string {
  return about.replace(/\d{4}-\d\d-\d\d /, "");
}

/** Maximum columns of inputs and of an output if the line length is unlimited. */
const MAX_VALUE_LENGTH = 2_000;

/** Returns inputs and output for the lines below their call. */
function valuesText({ call, depth }: PlacedCall, { colors, columns }: Output): string {
  const indent = "   ".repeat(Math.min(depth, MAX_LEVELS) + 1);
  const room = columns === undefined ? MAX_VALUE_LENGTH : Math.max(10, columns - indent.length - 5);
  return ([["in ", call.inputs], ["out", call.output]] as const).map(([name, value]) =>
    value === undefined
      ? ""
      : `${indent}${colors.dim(`${name} ${clip(printable(value.text), room)}`)}\n`
  ).join("");
}

/** Maximum number of levels that are drawn; deeper ones are numbered. */
const MAX_LEVELS = 24;

function branch(placed: PlacedCall): string {
  if (placed.above === null) return "";
  let drawn = placed.isLast ? "└─ " : "├─ ";
  let levels = 1;
  for (let at = placed.above; at.above !== null; at = at.above) {
    if (++levels > MAX_LEVELS) return `… ${placed.depth} ${drawn}`;
    drawn = (at.isLast ? "   " : "│  ") + drawn;
  }
  return drawn;
}

/** Maximum columns of an exception. */
const MAX_EXCEPTION_LENGTH = 200;
/** Minimum columns of a name or an exception. */
const MIN_LENGTH = 12;

function callText(call: CallNode, colors: Output["colors"], room: number): string {
  const time = duration(call);
  const facts = [...time === null ? [] : [formatDuration(time)], formatBytes(call.bytes)];
  const forText = room - facts.reduce((sum, fact) => sum + 2 + fact.length, 2);
  const name = clip(
    printable(call.displayName ?? call.op ?? "(its start is not in this log)"),
    Math.max(MIN_LENGTH, forText - MIN_LENGTH),
  );
  const left = Math.max(MIN_LENGTH, Math.min(MAX_EXCEPTION_LENGTH, forText - visibleWidth(name)));
  const state = !call.hasEnd
    ? colors.yellow("no end yet")
    : call.exception === undefined
    ? colors.green("✓")
    : colors.red(clip(`✗ ${printable(call.exception)}`, left));
  return [name, ...facts, state].join("  ");
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
      }).slice(0, -1)
    }${valueJson("inputs", call.inputs)}${valueJson("output", call.output)}}\n`;
  }
  return text;
}

/**
 * Formats a complete value with its bytes from the log, and the beginning of a longer one as text.
 */
function valueJson(name: string, value: CallValue | undefined): string {
  if (value === undefined) return "";
  const { text, bytes, whole } = value;
  return `,"${name}":${whole ? text : JSON.stringify({ truncated: true, bytes, start: text })}`;
}
