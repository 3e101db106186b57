/**
 * Summaries of calls, and how parents accumulate those of their children.
 *
 * @module
 */

import { show } from "../settings/invalid_option.ts";
import type { CallStackEntry } from "./call_stack.ts";

/**
 * Numbers that a call or its `summarize` reports, such as token usage by model.
 *
 * @example
 * ```ts
 * import { op, type Summary } from "@weave-wal/client";
 *
 * const summarize = (): Summary => ({ usage: { "my-model": { prompt_tokens: 7 } } });
 * op(() => "text", { name: "ask", summarize })();
 * ```
 */
export type Summary = Record<string, unknown>;

/**
 * Merges two summaries: adds numbers, merges objects key by key; otherwise the value of `left`
 * wins.
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

/** Returns whether a JSON value is an object. */
export function isPlain(value: unknown): value is Summary {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Adds a request count to each model's usage, unless the summary already counts requests. */
function withRequestCounts(summary: Summary): Summary {
  if (!isPlain(summary.usage)) return summary;
  const usage: Summary = {};
  for (const [model, counts] of Object.entries(summary.usage)) {
    usage[model] = isPlain(counts) ? { requests: 1, ...counts } : counts;
  }
  return { ...summary, usage };
}

/** Usage counters for which the server accepts only integers. */
const COUNTERS: ReadonlySet<string> = new Set([
  "prompt_tokens",
  "input_tokens",
  "completion_tokens",
  "output_tokens",
  "requests",
  "total_tokens",
  "cache_creation_input_tokens",
  "cache_read_input_tokens",
]);

/**
 * Returns a summary without values for which the server rejects a call. `usage` must contain an
 * object for each model, with integer counters, and `status_counts` an object of integers.
 *
 * @param report Called for each removed value, with its path, the value and what is expected.
 */
export function validSummary(summary: Summary, report: (problem: string) => void): Summary {
  const { usage, status_counts: counts } = summary;
  if (usage === undefined && counts === undefined) return summary;
  const validUsage = usage === undefined ? usage : usageOf(usage, report);
  const validCounts = counts === undefined
    ? counts
    : countsOf(counts, "summary.status_counts", () => true, report);
  if (validUsage === usage && validCounts === counts) return summary;
  const valid: Summary = { ...summary, usage: validUsage, status_counts: validCounts };
  // A key without a value would override that of the children.
  if (validUsage === undefined) delete valid.usage;
  if (validCounts === undefined) delete valid.status_counts;
  return valid;
}

function usageOf(usage: unknown, report: (problem: string) => void): Summary | undefined {
  if (!isPlain(usage)) {
    report(`summary.usage is ${show(usage)}, not an object of token counts by model`);
    return undefined;
  }
  let valid = usage;
  for (const model in usage) {
    const path = () => `summary.usage[${JSON.stringify(model)}]`;
    const counts = countsOf(usage[model], path, isCounter, report);
    if (counts === usage[model]) continue;
    if (valid === usage) valid = { ...usage };
    if (counts === undefined) delete valid[model];
    else valid[model] = counts;
  }
  return valid;
}

function isCounter(key: string): boolean {
  return COUNTERS.has(key);
}

/** Returns the same object if it is valid, and `undefined` if none of its counters is. */
function countsOf(
  counts: unknown,
  path: string | (() => string),
  isCounter: (key: string) => boolean,
  report: (problem: string) => void,
): Summary | undefined {
  const where = () => typeof path === "string" ? path : path();
  if (!isPlain(counts)) {
    report(`${where()} is ${show(counts)}, not an object of counts`);
    return undefined;
  }
  let valid = counts;
  for (const key in counts) {
    const count = counts[key];
    if (count == null || Number.isInteger(count) || !isCounter(key)) continue;
    report(`${where()}.${key} is ${show(count)}, not a whole number`);
    if (valid === counts) valid = { ...counts };
    delete valid[key];
  }
  return valid;
}

const EMPTY: Summary = Object.freeze({});

/**
 * Returns the summary of a finished call: the result of `summarize` merged with the summaries of
 * its children. Also adds it to the summary of the parent's children.
 *
 * @param report The same as for {@linkcode validSummary}.
 */
export function finishSummary(
  own: Summary | undefined,
  call: CallStackEntry,
  parent: CallStackEntry | null,
  report: (problem: string) => void,
): Summary {
  if (own === undefined && isEmpty(call.childSummary)) return EMPTY;
  const merged = mergeSummaries(
    own ? withRequestCounts(validSummary(own, report)) : EMPTY,
    validSummary(call.childSummary, report),
  );
  if (parent) parent.childSummary = mergeSummaries(merged, parent.childSummary);
  return merged;
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
