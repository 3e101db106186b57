/**
 * Formats a status report for people.
 *
 * @module
 */

import type { ProcessLiveness, Writer } from "../../wal/processes/process_status.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatEstimate,
  formatRecords,
  plural,
  printable,
} from "../terminal/format.ts";
import { processName, type SenderState, senderStateOf } from "./state/sender_state.ts";
import { projectLabel } from "../logs/python_logs.ts";
import type { Advice } from "./advice_types.ts";
import { writersOf } from "./state/part_summary.ts";
import { type ProjectReport, type StatusReport, totalsOf } from "./report.ts";
import { divide, urgent } from "./layout.ts";
import { type Column, formatTable } from "../terminal/table.ts";
import type { Colors, Output } from "../terminal/terminal.ts";
import { clip, visibleWidth } from "../terminal/width.ts";

/** Growth and shrinkage of a project's log, in bytes per second. */
export interface FlowRate {
  readonly written: number;
  readonly sent: number;
}

const COLUMNS: readonly Column[] = [
  { title: "PROJECT", flexible: true },
  { title: "FILES", align: "right", optional: 5 },
  { title: "WRITERS", optional: 4 },
  { title: "RECORDS", align: "right" },
  { title: "SIZE", align: "right", optional: 3 },
  { title: "OLDEST", align: "right", optional: 2 },
  { title: "DEAD LETTERS", align: "right" },
];
/** The columns for a stream, which does not know its writers. */
const PARTITION_COLUMNS: readonly Column[] = COLUMNS.filter(({ title }) => title !== "WRITERS")
  .map((column) => column.title === "FILES" ? { ...column, title: "PARTITIONS" } : column);
/** Columns shown if there are any such records. */
const DROPPED: Column = { title: "DROPPED", align: "right" };
const IN_MEMORY: Column = { title: "IN MEMORY", align: "right", optional: 1 };
const RATES: readonly Column[] = [
  { title: "WRITTEN/S", align: "right", optional: 6 },
  { title: "SENT/S", align: "right", optional: 6 },
];
const SENDER: Column = { title: "SENDER", flexible: true };

/** Options for a report that is refreshed. */
export interface WatchedView {
  /** Rates by project directory. */
  readonly rates: ReadonlyMap<string, FlowRate>;
  /** Whether the first line is already printed. */
  readonly isBegun?: boolean;
  /** Available lines; unlimited if absent. */
  readonly lines?: number;
}

/** Formats the report as text. */
export async function statusText(
  report: StatusReport,
  advice: readonly Advice[],
  output: Output,
  { rates, lines, isBegun = false }: Partial<WatchedView> = {},
): Promise<string> {
  const { colors, columns } = output;
  const pieces = [...advice].sort((a, b) => SEVERITY[b.level] - SEVERITY[a.level])
    .map((piece) => adviceText(piece, colors));
  const all = { projects: report.projects.length, advice: pieces.length };
  if (lines === undefined) return await textOf(report, pieces, output, { rates, isBegun }, all);
  const heights = pieces.map((text) => heightOf(text, columns));
  // If the table is wider than the screen, a row takes more than one line.
  for (let room = lines;; room--) {
    const fit = divide(room, all.projects, heights);
    const text = await textOf(report, pieces, output, { rates, isBegun }, fit);
    if (room <= MIN_LINES || heightOf(text, columns) <= lines) return text;
  }
}

/** Number of lines below which nothing more is left out. */
const MIN_LINES = 6;

async function textOf(
  report: StatusReport,
  advice: readonly string[],
  output: Output,
  { rates, isBegun }: Pick<Partial<WatchedView>, "rates" | "isBegun">,
  most: { readonly projects: number; readonly advice: number },
): Promise<string> {
  const { colors } = output;
  let text = `${isBegun ? "" : rootLine(report.root, colors)}${headline(report, colors)}\n`;
  const { shown, left } = urgent(report.projects, most.projects);
  if (shown.length > 0) {
    const { droppedRecords, memoryRecords } = totalsOf(report);
    const extra = { rates, dropped: droppedRecords > 0, memory: memoryRecords > 0 };
    const rows = shown.map((project) => row(project, report, colors, extra));
    const columns = [
      ...(report.unit === "file" ? COLUMNS : PARTITION_COLUMNS),
      ...(extra.dropped ? [DROPPED] : []),
      ...(extra.memory ? [IN_MEMORY] : []),
      ...(rates ? RATES : []),
      SENDER,
    ];
    text += `\n${await formatTable(columns, rows, output)}`;
    if (left > 0) text += colors.dim(`… and ${plural(left, "project")} more\n`);
  }
  if (advice.length === 0) return text;
  const unsaid = advice.length - most.advice;
  text += `\n${advice.slice(0, most.advice).join("")}`;
  return unsaid === 0 ? text : text + colors.dim(`  … and ${formatCount(unsaid)} more to fix\n`);
}

/** Returns the first line, which is printed before the logs are counted. */
export function rootLine(root: string, colors: Colors): string {
  return `${colors.bold(printable(root))}\n`;
}

function headline(report: StatusReport, colors: Colors): string {
  const totals = totalsOf(report);
  return [
    ...report.roots.slice(1).map((root) => `and ${colors.bold(printable(root))}`),
    plural(totals.projects, "project"),
    plural(totals.files, report.unit),
    totals.pendingBytes === 0
      ? colors.green(report.unit === "file" ? "nothing pending on disk" : "nothing pending")
      : `${formatRecords(totals.pendingRecords, totals.pendingEstimated)} (${
        formatBytes(totals.pendingBytes)
      }) pending`,
    ...(totals.oldest === null ? [] : [`oldest ${formatDuration(report.at - totals.oldest)}`]),
    ...(totals.memoryRecords === 0
      ? []
      : [colors.red(`${plural(totals.memoryRecords, "record")} in memory only`)]),
    ...(totals.droppedRecords === 0
      ? []
      : [colors.red(`${plural(totals.droppedRecords, "record")} dropped`)]),
    ...(totals.deadLetters === 0 ? [] : [colors.red(plural(totals.deadLetters, "dead letter"))]),
  ].join(" · ");
}

/** Columns that are not always shown. */
interface ExtraColumns {
  readonly rates: ReadonlyMap<string, FlowRate> | undefined;
  readonly dropped: boolean;
  readonly memory: boolean;
}

function row(
  project: ProjectReport,
  report: StatusReport,
  colors: Colors,
  { rates, dropped, memory }: ExtraColumns,
): string[] {
  const { deadLetters, segments, pendingRecords, pendingBytes, oldest, health } = project;
  const { at } = report;
  const bad = (count: number): string => count === 0 ? "0" : colors.red(formatCount(count));
  const rate = rates?.get(project.directory) ?? { written: 0, sent: 0 };
  return [
    printable(projectLabel(project)),
    formatCount(segments.length),
    ...(report.unit === "file" ? [writersText(project, colors)] : []),
    formatEstimate(pendingRecords, project.pendingEstimated),
    formatBytes(pendingBytes),
    oldest === null ? "–" : formatDuration(at - oldest),
    bad(deadLetters.total),
    ...(dropped ? [bad(health.droppedRecords)] : []),
    ...(memory ? [bad(health.memoryRecords)] : []),
    ...(rates ? [formatBytes(rate.written), formatBytes(rate.sent)] : []),
    senderText(senderStateOf(project, report), at, colors),
  ];
}

const LIVENESS_COLORS: Readonly<Record<ProcessLiveness, "green" | "yellow" | "red" | "dim">> = {
  alive: "green",
  unresponsive: "yellow",
  remote: "yellow",
  dead: "red",
  closed: "dim",
};

function writersText(project: ProjectReport, colors: Colors): string {
  const parts = [...writersOf(project)].map(([liveness, writers]) =>
    colors[LIVENESS_COLORS[liveness]](
      `${formatCount(writers.length)} ${liveness}${hostsText(writers)}`,
    )
  );
  return parts.length === 0 ? "–" : parts.join(", ");
}

/** Returns the hosts of remote writers. */
function hostsText(writers: readonly Writer[]): string {
  const hosts = new Set(
    writers.flatMap(({ liveness, host }) => liveness === "remote" && host ? [host] : []),
  );
  if (hosts.size === 0) return "";
  return ` (${hosts.size === 1 ? clip(printable([...hosts][0]), 24) : plural(hosts.size, "host")})`;
}

function senderText({ state, by, report }: SenderState, now: number, colors: Colors): string {
  // The process that drains: the writer of the records, or the holder of the recovery lease.
  const who = by === null ? "" : ` (${printable(processName(by))})`;
  switch (state) {
    case "idle":
      return colors.dim("idle");
    case "sending":
      return colors.green(`sending${who}`);
    case "nobody":
      return colors.yellow("nobody");
    case "unresponsive":
      return colors.yellow(`unresponsive${who}`);
    default: {
      const since = report === null ? "" : ` since ${formatDuration(now - report.since)}`;
      const reason = report?.reason ? `: ${printable(report.reason)}` : "";
      return colors[state === "blocked" ? "red" : "yellow"](`${state}${reason}${since}${who}`);
    }
  }
}

const SEVERITY: Readonly<Record<Advice["level"], number>> = { info: 0, warn: 1, error: 2 };

function adviceText({ level, project, message, command }: Advice, colors: Colors): string {
  const marks = { info: colors.dim("·"), warn: colors.yellow("!"), error: colors.red("✗") };
  const subject = project === undefined ? "" : `${colors.bold(printable(project))}  `;
  const help = command === undefined ? "" : `\n      ${colors.cyan(command)}`;
  return `  ${marks[level]} ${subject}${message}${help}\n`;
}

/** Returns the number of lines that a text takes on a terminal with this many columns. */
function heightOf(text: string, columns: number | undefined): number {
  return text.trimEnd().split("\n")
    .reduce((sum, line) => sum + Math.ceil(visibleWidth(line) / (columns ?? Infinity) || 1), 0);
}
