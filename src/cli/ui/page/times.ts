/**
 * Times as people read them.
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

/** `12:03:59` today, with the date before today; empty for a time that is unknown or impossible. */
export function timeText(ms: number | null): string {
  if (!isTime(ms)) return "";
  const today = DAY.format(Date.now());
  const day = DAY.format(ms);
  return day === today ? CLOCK.format(ms) : `${day}, ${CLOCK.format(ms)}`;
}

/** `3 min` of the time that has passed since then. */
export function agoText(ms: number | null, now: number): string {
  return isTime(ms) ? formatDuration(Math.max(0, now - ms)) : "–";
}

/** A record may contain any number. */
function isTime(ms: number | null): ms is number {
  return ms !== null && Math.abs(ms) <= 8.64e15;
}
