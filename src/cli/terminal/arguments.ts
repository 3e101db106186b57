/**
 * Parses the values of options.
 *
 * @module
 */

import { InvalidArgumentError } from "commander";
import { quoted } from "./format.ts";

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Parses `500ms`, `30s`, `10m`, `2h` or `1d` to ms; a number without a unit is in seconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?$/.exec(text.trim());
  if (!match) {
    throw new InvalidArgumentError(
      "Expected a duration such as 500ms, 30s, 10m, 2h or 1d.",
    );
  }
  return Number(match[1]) * UNITS[match[2] ?? "s"];
}

/** A point in time, as a duration before now or as a date. */
export type Moment = { readonly agoMs: number } | { readonly at: number };

/** Parses `10m` (ten minutes ago) or `2026-05-01T12:00:00Z`. */
export function parseMoment(text: string): Moment {
  if (/^\d+(?:\.\d+)?\s*(?:ms|s|m|min|h|d)$/.test(text.trim())) {
    return { agoMs: parseDuration(text) };
  }
  const at = Date.parse(text);
  if (!/^\d{4}-\d\d/.test(text) || Number.isNaN(at)) {
    throw new InvalidArgumentError(
      `Expected a duration such as 10m, or a date such as 2026-05-01T12:00:00Z.`,
    );
  }
  return { at };
}

/** Returns the epoch ms of a point in time. */
export function momentAt(moment: Moment, now: number): number {
  return "at" in moment ? moment.at : now - moment.agoMs;
}

/** Parses a nonnegative integer. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text.trim()) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError(
      "Expected a whole number of at least 0.",
    );
  }
  return value;
}

/** Parses a percentage, from 0 to 100, with or without the sign. */
export function parsePercent(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text.trim());
  if (match === null || Number(match[1]) > 100) {
    throw new InvalidArgumentError("Expected a percentage from 0 to 100.");
  }
  return Number(match[1]);
}

/** Parses an option that may be repeated or have comma-separated values. */
export type Collect<T> = (text: string, before: readonly T[] | undefined) => T[];

/**
 * Collects values, each parsed by `parse`. Rejects empty values: an unset variable in a script must
 * not mean everything.
 */
export function collect<T>(parse: (word: string) => T): Collect<T> {
  return (text, before) => {
    const words = text.split(",").map((word) => word.trim());
    if (words.includes("")) throw new InvalidArgumentError(`${quoted(text)} has an empty value.`);
    return [...(before ?? []), ...words.map(parse)];
  };
}

/** Parses one of the values in `known`. */
export function parseOneOf(known: readonly string[]): (word: string) => string {
  return (word) => {
    if (known.includes(word)) return word;
    throw new InvalidArgumentError(`${quoted(word)} is not one of ${known.join(", ")}.`);
  };
}

/** Parses a nonempty word. */
export function parseWord(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError(`${quoted(text)} has an empty value.`);
  return text.trim();
}
