/**
 * Tables without lines, for reading on a terminal and for `grep`.
 *
 * @module
 */

import type { Output } from "./terminal.ts";

/** One column. */
export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Gives way when the terminal is too narrow. */
  readonly flexible?: boolean;
}

const GAP = 2;
const LEAST_FLEXIBLE = 8;
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

/** Forms a table; cells may hold colours. Ends with a newline. */
export async function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { colours, columns: room }: Output,
): Promise<string> {
  const { default: Table } = await import("cli-table3");
  const make = (widths: (number | null)[]): string => {
    const table = new Table({
      head: columns.map(({ title }) => colours.bold(title)),
      colAligns: columns.map(({ align }) => align ?? "left"),
      colWidths: widths,
      chars: NO_LINES,
      // The library's own colours ask nobody whether colours are wanted.
      style: { head: [], border: [], "padding-left": 0, "padding-right": GAP },
      truncate: "…",
    });
    for (const row of rows) table.push([...row]);
    return table.toString();
  };
  const widths: (number | null)[] = columns.map(() => null);
  const text = make(widths);
  const flexible = columns.findIndex((column) => column.flexible);
  const [first = ""] = text.split("\n");
  const excess = room === undefined ? 0 : visibleLength(first) - GAP - room;
  if (excess <= 0 || flexible === -1) return trimmed(text);
  const longest = Math.max(
    ...[columns[flexible].title, ...rows.map((row) => row[flexible])].map(visibleLength),
  );
  widths[flexible] = Math.max(LEAST_FLEXIBLE, longest - excess) + GAP;
  return trimmed(make(widths));
}

function trimmed(text: string): string {
  return text.split("\n").map((line) => line.trimEnd()).join("\n") + "\n";
}

/** Characters of a text that are seen. */
export function visibleLength(text: string): number {
  // deno-lint-ignore no-control-regex
  return [...text.replace(/\u001b\[[0-9;]*m/g, "")].length;
}
