/**
 * Summaries of calls, and how those of children add up to their parent's.
 *
 * @module
 */

import type { CallStackEntry } from "./call_stack.ts";

/** What a call or its `summarize` says in numbers, such as token usage by model. */
export type Summary = Record<string, unknown>;

/**
 * Adds two summaries: numbers are added, objects merged key by key, for all else `left` holds.
 */
export function mergeSummaries(left: Summary, right: Summary): Summary {
  const result: Summary = { ...right };
  for (const [key, own] of Object.entries(left)) {
    const other = result[key];
    if (typeof own === "number" && typeof other === "number") result[key] = own + other;
    else if (isPlain(own) && isPlain(other)) result[key] = mergeSummaries(own, other);
    else result[key] = own;
  }
  return result;
}

function isPlain(value: unknown): value is Summary {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Counts the request behind each model's usage, unless the summary counts requests itself. */
export function withRequestCounts(summary: Summary): Summary {
  if (!isPlain(summary.usage)) return summary;
  const usage: Summary = {};
  for (const [model, counts] of Object.entries(summary.usage)) {
    usage[model] = isPlain(counts) ? { requests: 1, ...counts } : counts;
  }
  return { ...summary, usage };
}

const EMPTY: Summary = Object.freeze({});

/**
 * The summary of a finished call: what `summarize` says of its result, with what its children left.
 * It is added to the parent's children at once.
 */
export function finishSummary(
  own: Summary | undefined,
  call: CallStackEntry,
  parent: CallStackEntry | null,
): Summary {
  if (own === undefined && isEmpty(call.childSummary)) return EMPTY;
  const merged = mergeSummaries(own ? withRequestCounts(own) : EMPTY, call.childSummary);
  if (parent) parent.childSummary = mergeSummaries(merged, parent.childSummary);
  return merged;
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
