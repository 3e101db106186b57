/**
 * The width of text on a terminal: characters of some scripts and emoji take two columns, others none.
 *
 * @module
 */

import stringWidth from "string-width";

/** Returns the number of columns that a text takes, without its colors. */
export function visibleWidth(text: string): number {
  return /^[\u0020-\u007e]*$/.test(text) ? text.length : stringWidth(text);
}

/** Truncates text to a number of columns, marked with an ellipsis. */
export function clip(text: string, columns: number): string {
  if (text.length <= columns * MAX_UNITS && visibleWidth(text) <= columns) return text;
  return `${fitting(text, columns - 1)}…`;
}

/** Returns as much of the beginning of a text as fits into a number of columns. */
export function fitting(text: string, columns: number): string {
  if (text.length <= columns * MAX_UNITS && visibleWidth(text) <= columns) return text;
  let end = 0;
  let room = columns;
  const start = text.slice(0, Math.max(0, columns) * MAX_UNITS);
  for (const { segment, index } of new Intl.Segmenter().segment(start)) {
    room -= visibleWidth(segment);
    if (room < 0) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}

/** Code units for one column: more than emoji and combining characters usually have. */
const MAX_UNITS = 8;

/** Appends spaces up to a number of columns. */
export function padEnd(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - visibleWidth(text)));
}
