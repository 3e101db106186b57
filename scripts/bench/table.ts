/**
 * Formats results as a table.
 *
 * @module
 */

import process from "node:process";
import picocolors from "picocolors";
import { fixed, type Goal, type Line } from "./measure.ts";

const HEADINGS = ["measure", "runtime", "result", "goal", "", "seen"] as const;
/** Right-aligned columns. */
const RIGHT: ReadonlySet<number> = new Set([2]);

/** Formats one row per line, under headings. */
export function table(lines: readonly Line[]): string {
  const { green, red, dim } = picocolors.createColors(
    process.stdout.isTTY === true && !process.env.NO_COLOR,
  );
  const rows = [
    HEADINGS,
    ...lines.map(({ measure, runtime, seen, value, unit, goal, met }) => [
      measure,
      runtime,
      `${number(value)} ${unit}`,
      goalText(goal),
      met ? "pass" : "MISS",
      seen,
    ]),
  ];
  const widths = HEADINGS.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row, at) => {
    const cells = row.map((cell, i) => {
      const padded = RIGHT.has(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i]);
      if (at === 0) return dim(padded);
      return cell === "pass" ? green(padded) : cell === "MISS" ? red(padded) : padded;
    });
    return cells.join("  ").trimEnd();
  }).join("\n");
}

function goalText({ is, bound }: Goal): string {
  return `${is} ${number(bound)}`;
}

function number(value: number): string {
  return fixed(value, Math.abs(value) < 10 && !Number.isInteger(value) ? 2 : 0);
}
