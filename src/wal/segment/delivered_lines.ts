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
export type LineSet = Pick<ReadonlySet<number>, "has" | "size">;

/** Lines at single offsets, and in ranges. */
export class SettledLines implements LineSet {
  readonly #offsets: ReadonlySet<number>;
  /** Sorted, without overlaps. */
  readonly #ranges: readonly LineRange[];

  constructor(offsets: ReadonlySet<number>, ranges: readonly LineRange[]) {
    this.#offsets = offsets;
    this.#ranges = merged(ranges);
  }

  /** Number of offsets and ranges: 0 if there is no line. */
  get size(): number {
    return this.#offsets.size + this.#ranges.length;
  }

  /** Returns whether the line at a byte offset is one of them. */
  has(offset: number): boolean {
    if (this.#offsets.has(offset)) return true;
    let low = 0, high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ranges[middle].to <= offset) low = middle + 1;
      else high = middle;
    }
    return low < this.#ranges.length && this.#ranges[low].from <= offset;
  }
}

/** Returns the lines between two byte offsets, without those at `left`. */
export function linesBetween(from: number, to: number, left: readonly number[]): LineRange[] {
  const ranges: LineRange[] = [];
  let at = from;
  for (const offset of [...left].sort((a, b) => a - b)) {
    if (offset > at) ranges.push({ from: at, to: Math.min(offset, to) });
    at = Math.max(at, offset + 1);
  }
  if (to > at) ranges.push({ from: at, to });
  return ranges;
}

/** Reads the delivered lines; none if there is no such file. */
export function readDeliveredLines(files: FileSystem, path: string): LineRange[] {
  let text: string;
  try {
    text = files.readText(path);
  } catch {
    return []; // Without it, lines are sent again.
  }
  return text.split("\n").flatMap((line) => {
    const [, from, to] = /^(\d{1,15})-(\d{1,15})$/.exec(line) ?? [];
    return to === undefined ? [] : [{ from: Number(from), to: Number(to) }];
  });
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

/** Sorts ranges, and joins those that overlap or adjoin. */
function merged(ranges: readonly LineRange[]): LineRange[] {
  const result: { from: number; to: number }[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else result.push({ from, to });
  }
  return result;
}
