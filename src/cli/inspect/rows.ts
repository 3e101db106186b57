/**
 * Shows records: as rows for people, as JSON lines for programs.
 *
 * @module
 */

import { formatBytes, printable, shortId } from "../terminal/format.ts";
import type { LogLine } from "../logs/log_lines.ts";
import { factsOf, type RecordFacts } from "./record_facts.ts";
import type { LogPart } from "../logs/log_part.ts";
import type { Colors, Output } from "../terminal/terminal.ts";
import { clip, fitting, padEnd, visibleWidth } from "../terminal/width.ts";

/** State of a record. */
export type RecordState = "sent" | "dead letter" | "pending";

const decoder = new TextDecoder();

interface Layout {
  readonly gap: string;
  readonly offset: number;
  readonly time: number;
  readonly type: number;
  readonly call: number;
  readonly state: number;
  readonly size: number;
}

const WIDE: Layout = { gap: "  ", offset: 12, time: 23, type: 25, call: 12, state: 9, size: 8 };
/** For terminals with 80 columns: without the date, and with shortened types and IDs. */
const NARROW: Layout = { gap: " ", offset: 10, time: 12, type: 13, call: 8, state: 9, size: 8 };
/** For terminals with 60 columns: also without milliseconds and IDs. */
const NARROWEST: Layout = { ...NARROW, time: 8, type: 10, call: 0 };
/** Minimum columns for the other layouts, which leave room for the record's subject. */
const WIDE_FROM = 115, NARROW_FROM = 76;

function layoutFor({ columns = Infinity }: Output): Layout {
  return columns >= WIDE_FROM ? WIDE : columns >= NARROW_FROM ? NARROW : NARROWEST;
}

/** Joins the cells of a row; a layout may leave out the call. */
function rowText({ gap, call }: Layout, cells: readonly string[]): string {
  return cells.filter((_, at) => at !== CALL_AT || call > 0).join(gap);
}

/** Index of the cell with the ID of the call. */
const CALL_AT = 3;

/** Returns the line above the records of a part. */
export function partHeading(
  { entity, project, name, about }: LogPart,
  { colors, columns = Infinity }: Output,
): string {
  const parts = [
    colors.bold(printable(`${entity}/${project}`)),
    printable(name),
    colors.dim(about),
  ];
  const isNarrow = visibleWidth(parts.join(" ")) > columns;
  return `${parts.join(isNarrow ? "\n" : " ")}\n`;
}

/** Returns the column titles. */
export function columnTitles(output: Output): string {
  const layout = layoutFor(output);
  const { offset, time, type, call, state, size } = layout;
  const titles = rowText(layout, [
    "OFFSET".padStart(offset),
    "TIME".padEnd(time),
    "TYPE".padEnd(type),
    "CALL".padEnd(call),
    "STATE".padEnd(state),
    "SIZE".padStart(size),
    "WHAT",
  ]);
  return `${output.colors.bold(titles)}\n`;
}

/** Formats a line as a row. */
export function rowOf(
  line: LogLine,
  facts: RecordFacts,
  state: RecordState,
  output: Output,
): string {
  const { colors, columns } = output;
  const layout = layoutFor(output);
  const { gap, ...widths } = layout;
  const type = "record" in line ? line.record.type : line.corrupt.reason;
  const time = facts.time === undefined ? "" : timeText(facts.time);
  const before = rowText(layout, [
    String(line.offset).padStart(widths.offset),
    (widths.time < WIDE.time ? time.slice(-NARROW.time) : time).slice(0, widths.time)
      .padEnd(widths.time),
    padEnd(clip(type, widths.type), widths.type),
    padEnd(shortId(printable(facts.callId ?? "")).slice(-widths.call), widths.call),
    state.padEnd(widths.state),
    formatBytes(line.length).padStart(widths.size),
  ]);
  const what = whatOf(line, facts);
  const shown = columns === undefined
    ? what
    : fitting(what, columns - visibleWidth(before) - gap.length);
  const text = `${before}${gap}${shown}`.trimEnd();
  return `${colorOf(line, facts, state, colors)(text)}\n`;
}

/** Formats a log line as one line of JSON, with the request's original bytes. */
export function jsonOf(
  line: LogLine,
  bytes: Uint8Array,
  state: RecordState,
  { entity, project, name }: LogPart,
): string {
  const { offset, length } = line;
  const place = { entity, project, file: name, offset, length };
  if ("corrupt" in line) {
    return `${JSON.stringify({ ...place, state, corrupt: line.corrupt.reason })}\n`;
  }
  const { type, start, end } = line.record;
  const head = JSON.stringify({ ...place, state, type }).slice(0, -1);
  return `${head},"req":${decoder.decode(bytes.subarray(start, end))}}\n`;
}

/** Returns the data of a line; empty for a corrupt line. */
export function lineFacts(line: LogLine, bytes: Uint8Array): RecordFacts {
  return "record" in line ? factsOf(bytes, line.record) : {};
}

function whatOf(line: LogLine, facts: RecordFacts): string {
  if ("corrupt" in line) {
    const text = decoder.decode(line.corrupt.line?.subarray(0, 200) ?? new Uint8Array(0));
    return printable(text);
  }
  const name = facts.displayName ?? facts.op ?? "";
  const trouble = facts.exception === undefined ? "" : `✗ ${facts.exception}`;
  return printable([name, trouble].filter((part) => part !== "").join(" "));
}

function colorOf(
  line: LogLine,
  facts: RecordFacts,
  state: RecordState,
  colors: Colors,
): (text: string) => string {
  if ("corrupt" in line) return colors.red;
  if (state === "dead letter") return colors.red;
  if (facts.exception !== undefined) return colors.yellow;
  return state === "sent" ? colors.dim : (text) => text;
}

/** Formats a time as `2026-05-01 12:00:00.123`, in UTC. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", "");
}
