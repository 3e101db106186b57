/**
 * The table at the end of a run.
 *
 * @module
 */

import Table from "cli-table3";
import type { Outcome } from "./suite.ts";

/** The table of all outcomes as text. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const table = new Table({
    head: ["scenario", "runtime", "API", "sent", "arrived", "refused, and why", "result"],
    style: { head: [], border: [] },
    colWidths: [14, 9, 5, 22, 34, 44, 8],
    wordWrap: true,
  });
  for (const { scenario, runtime, api, findings, error } of outcomes) {
    table.push([
      scenario.name,
      scenario.each === "run" ? "" : runtime,
      scenario.each === "runtime and API" ? api : "",
      findings?.sent ?? "",
      findings?.arrived ?? "",
      (findings?.refused ?? []).join("\n"),
      error === undefined ? "ok" : "FAILED",
    ]);
  }
  return table.toString();
}

/** Message of a failure. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
