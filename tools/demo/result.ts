/**
 * Prints the result of the demo, as text or as JSON.
 *
 * @module
 */

import type { DemoOptions } from "./demo_options.ts";
import type { Output } from "./output.ts";
import type { DemoResult } from "./runner.ts";
import { type TraceNode, traceTrees } from "./trace_tree.ts";
import { formatMs, treeLines } from "./tree_rows.ts";

/** Maximum number of missing calls that are listed. */
const NAMED = 5;

/** Prints the trace trees and the counts. */
export function showResult(
  output: Output,
  { wal }: DemoOptions,
  result: DemoResult,
  durationMs: number,
): void {
  const { colors } = output;
  const roots = traceTrees(result.calls);
  output.section("Calls at the server");
  const view = { colors, width: output.width, fromTheLog: result.fromTheLogIds };
  const inFirst = (root: TraceNode) => root.startedAt < result.restartedAt;
  for (const [process, pid] of result.pids.entries()) {
    const own = roots.filter((root) => inFirst(root) === (process === 0));
    const end = process === 0 ? "killed" : "restarted";
    output.line(colors.dim(`  process ${pid}, ${end}`));
    // Expand one tree of each kind.
    const open = new Set(
      own.filter((root, at) =>
        root.durationMs === null || own.findIndex(({ op }) => op === root.op) === at
      ),
    );
    for (const line of treeLines(own, (root) => open.has(root), view)) output.line(`  ${line}`);
  }

  if (result.fromTheLog > 0) {
    output.line(colors.dim("  ⇡ sent from the log after its process was killed"));
  }

  output.section("Counts");
  const rows: [string, number][] = [
    ["calls that the program saw finish", result.seen],
    ["arrived at the server", result.arrived],
    ["  sent from the log of the killed process", result.fromTheLog],
    ["missing", result.missing.length],
    ["files left in the log directory", result.leftover.length],
    ["calls interrupted by the kill", result.cutOff],
    ["starts or ends sent twice, stored once", result.sentTwice],
  ];
  for (const [what, count] of rows) output.line(`  ${`${count}`.padStart(6)}  ${what}`);
  for (const { id, op } of result.missing.slice(0, NAMED)) {
    output.line(colors.red(`  missing: ${op} ${id}`));
  }
  if (result.missing.length > NAMED) {
    output.line(colors.red(`  and ${result.missing.length - NAMED} more`));
  }
  for (const name of result.leftover.slice(0, NAMED)) output.line(colors.red(`  left: ${name}`));
  output.line();
  output.line(verdictLine(output, result) + colors.dim(` · ${formatMs(durationMs)}`));
  if (result.ok && wal) output.line(colors.dim("  Run it without the log: add --no-wal"));
  if (!result.ok && !wal) output.line(colors.dim("  Run it with the log: omit --no-wal"));
}

function verdictLine({ colors }: Output, result: DemoResult): string {
  if (result.ok) {
    return colors.green(colors.bold("✓ Every call that the program saw finish arrived"));
  }
  const { missing, leftover, exitCode } = result;
  const why = missing.length > 0
    ? `${missing.length} calls that the program saw finish are lost`
    : leftover.length > 0
    ? `${leftover.length} files are left in the log directory`
    : `The program ended with code ${exitCode}`;
  return colors.red(colors.bold(`✗ ${why}`));
}

/** The result as JSON. */
export function resultJson(options: DemoOptions, result: DemoResult, durationMs: number): string {
  const { runtime, seed, wal } = options;
  const { calls, fromTheLogIds: _, ...facts } = result;
  return JSON.stringify({ runtime, seed, wal, durationMs, ...facts, trees: traceTrees(calls) });
}
