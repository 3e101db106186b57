/**
 * Tables without borders, for reading on a terminal and for `grep`.
 *
 * @module
 */

import type { Output } from "./terminal.ts";
import { visibleWidth } from "./width.ts";

/** One column. */
export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Truncated if the terminal is too narrow. */
  readonly flexible?: boolean;
  /** If the terminal is still too narrow, columns are left out, highest number first. */
  readonly optional?: number;
}

const GAP = 2;
const MIN_FLEXIBLE = 12;
const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "",
};

/** Formats a table; cells may contain colors. Ends with a newline. */
export async function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  output: Output,
): Promise<string> {
  const text = await tableText(columns, rows, output);
  const isTooWide = output.columns !== undefined && text.split("\n")
    .some((line) => visibleWidth(line) > output.columns!);
  const least = leastImportant(columns);
  if (!isTooWide || least === -1) return text;
  const without = <Item>(items: readonly Item[]): Item[] => items.filter((_, at) => at !== least);
  return await formatTable(without(columns), rows.map(without), output);
}

function leastImportant(columns: readonly Column[]): number {
  let least = -1;
  columns.forEach(({ optional = 0 }, at) => {
    if (optional > (columns[least]?.optional ?? 0)) least = at;
  });
  return least;
}

async function tableText(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { colors, columns: room }: Output,
): Promise<string> {
  const { default: Table } = await import("cli-table3");
  const make = (widths: (number | null)[]): string => {
    const table = new Table({
      head: columns.map(({ title }) => colors.bold(title)),
      colAligns: columns.map(({ align }) => align ?? "left"),
      colWidths: widths,
      chars: NO_LINES,
      // The library's own colors ignore whether colors are wanted.
      style: { head: [], border: [], "padding-left": 0, "padding-right": GAP },
      truncate: "…",
    });
    for (const row of rows) table.push([...row]);
    return table.toString();
  };
  const widths: (number | null)[] = columns.map(() => null);
  const text = make(widths);
  const [first = ""] = text.split("\n");
  let excess = room === undefined ? 0 : visibleWidth(first) - GAP - room;
  // The last flexible column is narrowed first.
  for (let at = columns.length - 1; at >= 0 && excess > 0; at--) {
    if (!columns[at].flexible) continue;
    const longest = longestOf([columns[at].title, ...rows.map((row) => row[at])]);
    const width = Math.max(Math.min(longest, MIN_FLEXIBLE), longest - excess);
    widths[at] = width + GAP;
    excess -= longest - width;
  }
  return trimmed(widths.every((width) => width === null) ? text : make(widths));
}

/**
 * Returns the largest width. A loop, because thousands of cells are too many for arguments of a
 * call.
 */
function longestOf(cells: readonly string[]): number {
  return cells.reduce((longest, cell) => Math.max(longest, visibleWidth(cell)), 0);
}

function trimmed(text: string): string {
  return text.split("\n").map((line) => line.trimEnd()).join("\n") + "\n";
}
