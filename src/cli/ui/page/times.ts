/**
 * Formats times for people.
 *
 * @module
 */

import { formatDuration } from "../../terminal/format.ts";

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const DAY = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });

/**
 * Formats a time as `12:03:59`, with the date if it is not today; empty if it is unknown or
 * invalid.
 */
export function timeText(ms: number | null): string {
  if (!isTime(ms)) return "";
  const today = DAY.format(Date.now());
  const day = DAY.format(ms);
  return day === today ? CLOCK.format(ms) : `${day}, ${CLOCK.format(ms)}`;
}

/** Formats the time elapsed since then, such as `3 min`. */
export function agoText(ms: number | null, now: number): string {
  return isTime(ms) ? formatDuration(Math.max(0, now - ms)) : "–";
}

/** Returns whether a time is valid, since a record may contain any number. */
function isTime(ms: number | null): ms is number {
  return ms !== null && Math.abs(ms) <= 8.64e15;
}
