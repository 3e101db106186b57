/**
 * A status report for people.
 *
 * @module
 */

import type { Standing, Writer } from "../../wal/ownership/segment_status.ts";
import {
  clip,
  formatBytes,
  formatCount,
  formatDuration,
  plural,
  printable,
} from "../terminal/format.ts";
import { partyName, type SenderState, senderStateOf } from "./sender_state.ts";
import type { Advice } from "./advice.ts";
import { type ProjectReport, type StatusReport, totalsOf } from "./report.ts";
import { divide, urgent } from "./layout.ts";
import { type Column, formatTable, visibleLength } from "../terminal/table.ts";
import type { Colours, Output } from "../terminal/terminal.ts";
import { writersOf } from "./writer_summary.ts";

/** How fast a project's log grows and shrinks, bytes a second. */
export interface FlowRate {
  readonly written: number;
  readonly sent: number;
}

const COLUMNS: readonly Column[] = [
  { title: "PROJECT" },
  { title: "FILES", align: "right" },
  { title: "WRITERS" },
  { title: "RECORDS", align: "right" },
  { title: "SIZE", align: "right" },
  { title: "OLDEST", align: "right" },
  { title: "DEAD LETTERS", align: "right" },
];
const RATES: readonly Column[] = [
  { title: "WRITTEN/S", align: "right" },
  { title: "SENT/S", align: "right" },
];
const SENDER: Column = { title: "SENDER", flexible: true };

/** What is shown of a report that is looked at again and again. */
export interface WatchedView {
  /** By project directory. */
  readonly rates: ReadonlyMap<string, FlowRate>;
  /** Lines that there are for it; all that it takes where absent. */
  readonly lines?: number;
}

/** The report as text. */
export async function statusText(
  report: StatusReport,
  advice: readonly Advice[],
  output: Output,
  { rates, lines }: Partial<WatchedView> = {},
): Promise<string> {
  const { colours, columns } = output;
  const pieces = [...advice].sort((a, b) => GRAVITY[b.level] - GRAVITY[a.level])
    .map((piece) => adviceText(piece, colours));
  const all = { projects: report.projects.length, advice: pieces.length };
  if (lines === undefined) return await textOf(report, pieces, output, rates, all);
  const heights = pieces.map((text) => heightOf(text, columns));
  // Where the table is wider than the screen a row takes more than a line.
  for (let room = lines;; room--) {
    const fit = divide(room, all.projects, heights);
    const text = await textOf(report, pieces, output, rates, fit);
    if (room <= LEAST_LINES || heightOf(text, columns) <= lines) return text;
  }
}

/** Below this nothing is left out any more. */
const LEAST_LINES = 6;

async function textOf(
  report: StatusReport,
  advice: readonly string[],
  output: Output,
  rates: ReadonlyMap<string, FlowRate> | undefined,
  most: { readonly projects: number; readonly advice: number },
): Promise<string> {
  const { colours } = output;
  let text = `${headline(report, colours)}\n`;
  const { shown, left } = urgent(report.projects, most.projects);
  if (shown.length > 0) {
    const rows = shown.map((project) => row(project, report, colours, rates));
    const columns = [...COLUMNS, ...(rates ? RATES : []), SENDER];
    text += `\n${await formatTable(columns, rows, output)}`;
    if (left > 0) text += colours.dim(`… and ${plural(left, "project")} more\n`);
  }
  if (advice.length === 0) return text;
  const unsaid = advice.length - most.advice;
  text += `\n${advice.slice(0, most.advice).join("")}`;
  return unsaid === 0 ? text : text + colours.dim(`  … and ${formatCount(unsaid)} more to mend\n`);
}

function headline(report: StatusReport, colours: Colours): string {
  const totals = totalsOf(report);
  return [
    colours.bold(printable(report.root)),
    plural(totals.projects, "project"),
    plural(totals.files, "file"),
    totals.pendingBytes === 0
      ? colours.green("nothing waits")
      : `${plural(totals.pendingRecords, "record")} (${formatBytes(totals.pendingBytes)}) waiting`,
    ...(totals.oldest === null ? [] : [`oldest ${formatDuration(report.at - totals.oldest)}`]),
    ...(totals.deadLetters === 0 ? [] : [colours.red(plural(totals.deadLetters, "dead letter"))]),
  ].join(" · ");
}

function row(
  project: ProjectReport,
  { at, senders }: StatusReport,
  colours: Colours,
  rates: ReadonlyMap<string, FlowRate> | undefined,
): string[] {
  const { deadLetters, segments, pendingRecords, pendingBytes, oldest } = project;
  const rate = rates?.get(project.directory) ?? { written: 0, sent: 0 };
  return [
    printable(`${project.entity}/${project.project}`),
    formatCount(segments.length),
    writersText(project, colours),
    formatCount(pendingRecords),
    formatBytes(pendingBytes),
    oldest === null ? "–" : formatDuration(at - oldest),
    deadLetters.total === 0 ? "0" : colours.red(formatCount(deadLetters.total)),
    ...(rates ? [formatBytes(rate.written), formatBytes(rate.sent)] : []),
    senderText(senderStateOf(project, senders), at, colours),
  ];
}

const STANDING_COLOURS: Readonly<Record<Standing, "green" | "yellow" | "red" | "dim">> = {
  alive: "green",
  silent: "yellow",
  elsewhere: "yellow",
  dead: "red",
  closed: "dim",
};

function writersText(project: ProjectReport, colours: Colours): string {
  const parts = [...writersOf(project)].map(([standing, writers]) =>
    colours[STANDING_COLOURS[standing]](`${writers.length} ${standing}${hostsText(writers)}`)
  );
  return parts.length === 0 ? "–" : parts.join(", ");
}

/** Where writers are that are not here. */
function hostsText(writers: readonly Writer[]): string {
  const hosts = new Set(
    writers.flatMap(({ standing, host }) => standing === "elsewhere" && host ? [host] : []),
  );
  if (hosts.size === 0) return "";
  return ` (${hosts.size === 1 ? clip(printable([...hosts][0]), 24) : plural(hosts.size, "host")})`;
}

function senderText({ state, by, note }: SenderState, now: number, colours: Colours): string {
  const who = by === null ? "" : ` (${partyName(by)})`;
  switch (state) {
    case "idle":
      return colours.dim("idle");
    case "sending":
      return colours.green(`sending${who}`);
    case "nobody":
      return colours.yellow("nobody");
    default: {
      const since = note === null ? "" : ` since ${formatDuration(now - note.since)}`;
      const reason = note?.reason ? `: ${printable(note.reason)}` : "";
      return colours[state === "held" ? "red" : "yellow"](`${state}${reason}${since}${who}`);
    }
  }
}

const GRAVITY: Readonly<Record<Advice["level"], number>> = { info: 0, warn: 1, error: 2 };

function adviceText({ level, project, message, command }: Advice, colours: Colours): string {
  const marks = { info: colours.dim("·"), warn: colours.yellow("!"), error: colours.red("✗") };
  const subject = project === undefined ? "" : `${colours.bold(printable(project))}  `;
  const help = command === undefined ? "" : `\n      ${colours.cyan(command)}`;
  return `  ${marks[level]} ${subject}${message}${help}\n`;
}

/** Lines that a text takes on a terminal of so many columns. */
function heightOf(text: string, columns: number | undefined): number {
  return text.trimEnd().split("\n")
    .reduce((sum, line) => sum + Math.ceil(visibleLength(line) / (columns ?? Infinity) || 1), 0);
}
