/**
 * The report at the end of a run, and the resulting exit status.
 *
 * @module
 */

import { AssertionError } from "node:assert/strict";
import { inspect } from "node:util";
import Table from "cli-table3";
import { isFailed, labelOf, type Outcome, type Run } from "./suite.ts";

/** The result of the suite. */
export interface Report {
  /** The table, the failures, and the runs that were left out. */
  readonly text: string;
  /** 1 if a run failed, otherwise 0: a run left out for lack of time is not a failure. */
  readonly exitStatus: 0 | 1;
}

/** The report on all `runs`; `outcomes` are those of the first ones. */
export function reportOf(runs: readonly Run[], outcomes: readonly Outcome[]): Report {
  const failed = outcomes.filter(isFailed);
  const left = runs.slice(outcomes.length).map(labelOf);
  const lines = [
    tableOf(outcomes),
    ...failed.map((outcome) => `failed: ${labelOf(outcome)}`),
    ...outcomes.filter(({ isFlaky }) => isFlaky).map((outcome) =>
      `flaky, a defect to repair: ${labelOf(outcome)} failed, and passed when it ran again`
    ),
    ...(left.length > 0 ? [`NOT RUN, the time ran out: ${left.join(", ")}`] : []),
    `${outcomes.length - failed.length} passed, ${failed.length} failed`,
  ];
  return { text: lines.join("\n"), exitStatus: failed.length === 0 ? 0 : 1 };
}

/** The table of all outcomes as text. */
function tableOf(outcomes: readonly Outcome[]): string {
  const table = new Table({
    head: ["scenario", "runtime", "API", "sent", "arrived", "refused, and why", "result"],
    style: { head: [], border: [] },
    colWidths: [14, 9, 5, 22, 34, 44, 8],
    wordWrap: true,
  });
  for (const outcome of outcomes) {
    const { scenario, runtime, api, findings } = outcome;
    table.push([
      scenario.name,
      scenario.each === "run" ? "" : runtime,
      scenario.each === "runtime and API" ? api : "",
      findings?.sent ?? "",
      findings?.arrived ?? "",
      (findings?.refused ?? []).join("\n"),
      isFailed(outcome) ? "FAILED" : "ok",
    ]);
  }
  return table.toString();
}

/** Message of a failure, with the values of a comparison. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.stack ?? error.message;
  // A custom message replaces the values, and a plain truth check has none.
  if (!(error instanceof AssertionError) || error.generatedMessage || error.operator === "==") {
    return text;
  }
  const values = { actual: error.actual, expected: error.expected };
  return `${text}\n${inspect(values, { depth: 8, maxStringLength: 4_000, maxArrayLength: 50 })}`;
}
