/**
 * Lines after the checkpoint that are delivered.
 *
 * The checkpoint cannot pass a record that the server still rejects or fails, nor the end of a call
 * that waits for its start, while other records are delivered. A sender that stops in this state
 * notes the delivered lines in `<stem>.delivered`, so that the next sender does not send them again:
 * ranges of byte offsets in decimal, `<from>-<to>`, one per line, replaced atomically. Like the
 * checkpoint, the file is not synced.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/file_system.ts";

/** The lines that begin at or after byte offset `from` and before `to`. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

/** Lines by their byte offsets. */
export interface LineSet {
  /** Number of ranges: 0 if there is no line. */
  readonly size: number;
  /** The lines as sorted ranges without overlaps. */
  readonly ranges: readonly LineRange[];
  /** Returns whether the line at a byte offset is one of them. */
  has(offset: number): boolean;
}

/** Lines at single offsets, and in ranges. */
export class SettledLines implements LineSet {
  readonly ranges: readonly LineRange[];

  constructor(offsets: Iterable<number> = [], ranges: readonly LineRange[] = []) {
    const single = Array.from(offsets, (from) => ({ from, to: from + 1 }));
    this.ranges = merged([...single, ...ranges]);
  }

  get size(): number {
    return this.ranges.length;
  }

  has(offset: number): boolean {
    const { ranges } = this;
    let low = 0, high = ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ranges[middle].to <= offset) low = middle + 1;
      else high = middle;
    }
    return low < ranges.length && ranges[low].from <= offset;
  }
}

/** No lines. */
export const NO_LINES: LineSet = new SettledLines();

/** Returns the parts of a range that are outside of sorted ranges. */
export function linesOutside(from: number, to: number, ranges: readonly LineRange[]): LineRange[] {
  const outside: LineRange[] = [];
  let at = from;
  for (const range of ranges) {
    if (range.from >= to) break;
    if (range.from > at) outside.push({ from: at, to: range.from });
    at = Math.max(at, range.to);
  }
  if (to > at) outside.push({ from: at, to });
  return outside;
}

/** Reads the delivered lines, as sorted ranges; none if there is no such file. */
export function readDeliveredLines(files: FileSystem, path: string): LineRange[] {
  let text: string;
  try {
    text = files.readText(path);
  } catch {
    return []; // Without it, lines are sent again.
  }
  return merged(
    text.split("\n").flatMap((line) => {
      const [, from, to] = /^(\d{1,15})-(\d{1,15})$/.exec(line) ?? [];
      return to === undefined ? [] : [{ from: Number(from), to: Number(to) }];
    }),
  );
}

/** Writes the delivered lines at or after the checkpoint. */
export function writeDeliveredLines(
  files: FileSystem,
  path: string,
  ranges: readonly LineRange[],
  checkpoint: number,
): void {
  const ahead = merged(ranges).filter(({ to }) => to > checkpoint);
  files.replace(path, ahead.map(({ from, to }) => `${from}-${to}\n`).join(""));
}

/** Sorts ranges, joins those that overlap or adjoin, and leaves out those without a byte. */
function merged(ranges: readonly LineRange[]): LineRange[] {
  const result: { from: number; to: number }[] = [];
  for (const { from, to } of ranges.filter(({ from, to }) => from < to).sort(byStart)) {
    const last = result.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else result.push({ from, to });
  }
  return result;
}

function byStart(a: LineRange, b: LineRange): number {
  return a.from - b.from;
}
