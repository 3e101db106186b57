/**
 * Decides which part of a status report fits on the screen.
 *
 * @module
 */

import type { ProjectReport } from "./report.ts";

/** The lines to show, and the number of those left out. */
export interface Part<T> {
  readonly shown: readonly T[];
  readonly left: number;
}

/** Number of lines above the first project: the directory, the totals, an empty one, the titles. */
const ABOVE = 4;
/** Maximum share of the screen for advice if there is little room. */
const ADVICE_SHARE = 1 / 3;

/**
 * Divides a screen of `lines` between projects, one line each, and advice.
 *
 * @param advice Number of lines of each piece of advice.
 * @returns How many projects and pieces of advice fit, including one line for "and more".
 */
export function divide(
  lines: number,
  projects: number,
  advice: readonly number[],
): { projects: number; advice: number } {
  const room = Math.max(2, lines - ABOVE);
  const wanted = advice.length === 0 ? 0 : 1 + sum(advice);
  const reserved = Math.max(Math.floor(room * ADVICE_SHARE), room - projects);
  const forAdvice = Math.min(wanted, reserved);
  const rows = Math.max(1, room - forAdvice);
  const fit = projects <= rows ? projects : Math.max(1, rows - 1);
  if (wanted <= forAdvice) return { projects: fit, advice: advice.length };
  let pieces = 0;
  for (let left = forAdvice - 2; pieces < advice.length && advice[pieces] <= left; pieces++) {
    left -= advice[pieces];
  }
  return { projects: fit, advice: pieces };
}

/** Returns the `most` projects that need attention most, in their original order. */
export function urgent(
  projects: readonly ProjectReport[],
  most: number,
): Part<ProjectReport> {
  if (projects.length <= most) return { shown: projects, left: 0 };
  const first = new Set(
    [...projects].sort((a, b) =>
      Number(b.deadLetters.total > 0) - Number(a.deadLetters.total > 0) ||
      b.pendingBytes - a.pendingBytes
    ).slice(0, most),
  );
  return { shown: projects.filter((one) => first.has(one)), left: projects.length - most };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
