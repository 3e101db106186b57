/**
 * Formats numbers, sizes and times for people.
 *
 * @module
 */

import { escapeControls } from "../../protocol/escape_controls.ts";

const COUNT = new Intl.NumberFormat("en-US");
const MILLIONS = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });

/** Formats `1234567` as `1,234,567`. */
export function formatCount(count: number): string {
  return COUNT.format(Math.round(count));
}

/** Formats a count that may be an estimate: `1,234,567`, or `about 1.2 M`. */
export function formatEstimate(count: number, isEstimate: boolean): string {
  if (!isEstimate) return formatCount(count);
  const rounded = Number(count.toPrecision(2));
  return `about ${rounded < 1e6 ? formatCount(rounded) : `${MILLIONS.format(rounded / 1e6)} M`}`;
}

/** Formats a number of records: `1 record`, `1,234 records`, `about 1.2 M records`. */
export function formatRecords(count: number, isEstimate: boolean): string {
  return `${formatEstimate(count, isEstimate)} ${count === 1 ? "record" : "records"}`;
}

/** Formats a number with a noun: `1 file`, `1,234 files`. */
export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

const SIZES = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Formats bytes in steps of 1,000: `620 B`, `18.2 MB`. */
export function formatBytes(bytes: number): string {
  let size = Math.max(0, bytes);
  let step = 0;
  while (size >= 999.5 && step < SIZES.length - 1) {
    size /= 1_000;
    step++;
  }
  return `${step === 0 || size >= 99.95 ? Math.round(size) : size.toFixed(1)} ${SIZES[step]}`;
}

/** Formats ms in the two largest significant units: `3 s`, `12 min`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  if (minutes < 48 * 60) return joinUnits(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(minutes / 60);
  return joinUnits(Math.floor(hours / 24), "d", hours % 24, "h");
}

function joinUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/**
 * Makes text safe to print: control characters, which could move the cursor or color the terminal,
 * become a visible replacement; line breaks become a space.
 */
export function printable(text: string): string {
  return text.replace(/[\r\n\t]+/g, " ").replace(
    // deno-lint-ignore no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    "\ufffd",
  );
}

/** Shortens the ID of a call or writer, to a length that is still distinctive. */
export function shortId(id: string): string {
  return id.length <= 12 ? id : id.slice(-12);
}

/** Maximum characters of a quoted text. */
const MAX_QUOTED = 200;

/** Quotes text for a message. */
export function quoted(value: string): string {
  const characters = [...value];
  const text = characters.length <= MAX_QUOTED
    ? value
    : `${characters.slice(0, MAX_QUOTED - 1).join("")}…`;
  return escapeControls(JSON.stringify(text));
}

/** Quotes a word for a shell, if necessary. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${printable(text).replaceAll("'", "'\\''")}'`;
}
