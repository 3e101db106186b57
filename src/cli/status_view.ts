/**
 * A status report for people.
 *
 * @module
 */

import type { Standing } from "../wal/inspect.ts";
import { formatBytes, formatCount, formatDuration, plural, printable } from "./format.ts";
import { partyName, type SenderState, senderStateOf } from "./sender_state.ts";
import type { Advice } from "./status_advice.ts";
import { type ProjectReport, type StatusReport, totalsOf } from "./status_report.ts";
import { type Column, formatTable } from "./table.ts";
import type { Colours, Output } from "./terminal.ts";
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

/**
 * The report as text.
 *
 * @param rates By project directory, where they are known.
 */
export async function statusText(
  report: StatusReport,
  advice: readonly Advice[],
  output: Output,
  rates?: ReadonlyMap<string, FlowRate>,
): Promise<string> {
  const { colours } = output;
  const totals = totalsOf(report);
  const facts = [
    colours.bold(printable(report.root)),
    plural(totals.projects, "project"),
    plural(totals.files, "file"),
    totals.pendingBytes === 0
      ? colours.green("nothing waits")
      : `${plural(totals.pendingRecords, "record")} (${formatBytes(totals.pendingBytes)}) waiting`,
    ...(totals.oldest === null ? [] : [`oldest ${formatDuration(report.at - totals.oldest)}`]),
    ...(totals.deadLetters === 0 ? [] : [colours.red(plural(totals.deadLetters, "dead letter"))]),
  ];
  let text = `${facts.join(" · ")}\n`;
  if (report.projects.length > 0) {
    const rows = report.projects.map((project) => row(project, report, colours, rates));
    const columns = [...COLUMNS, ...(rates ? RATES : []), SENDER];
    text += `\n${await formatTable(columns, rows, output)}`;
  }
  return text + adviceText(advice, colours);
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
    colours[STANDING_COLOURS[standing]](`${writers.length} ${standing}`)
  );
  return parts.length === 0 ? "–" : parts.join(", ");
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

function adviceText(advice: readonly Advice[], colours: Colours): string {
  if (advice.length === 0) return "";
  const marks = { info: colours.dim("·"), warn: colours.yellow("!"), error: colours.red("✗") };
  const lines = advice.map(({ level, project, message, command }) => {
    const subject = project === undefined ? "" : `${colours.bold(printable(project))}  `;
    const help = command === undefined ? "" : `\n      ${colours.cyan(command)}`;
    return `  ${marks[level]} ${subject}${message}${help}\n`;
  });
  return `\n${lines.join("")}`;
}
