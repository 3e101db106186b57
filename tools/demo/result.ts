/**
 * The end of the demo, for people and for machines.
 *
 * @module
 */

import type { DemoOptions } from "./demo_options.ts";
import type { Screen } from "./output.ts";
import type { StoryResult } from "./runner.ts";
import { type TraceNode, traceTrees } from "./trace_tree.ts";
import { formatMs, treeLines } from "./tree_rows.ts";

/** Missing calls that are named; the rest is counted. */
const NAMED = 5;

/** Shows the tree of calls and the count. */
export function showResult(
  screen: Screen,
  { wal }: DemoOptions,
  result: StoryResult,
  durationMs: number,
): void {
  const { colors } = screen;
  const roots = traceTrees(result.calls);
  screen.section("What the server has");
  const view = { colors, width: screen.width, fromTheLog: result.fromTheLogIds };
  const inFirst = (root: TraceNode) => root.startedAt < result.restartedAt;
  for (const [process, pid] of result.pids.entries()) {
    const own = roots.filter((root) => inFirst(root) === (process === 0));
    const end = process === 0 ? "killed" : "went on";
    screen.line(colors.dim(`  process ${pid}, ${end}`));
    // One of each kind in full: the rest is more of the same.
    const open = new Set(
      own.filter((root, at) =>
        root.durationMs === null || own.findIndex(({ op }) => op === root.op) === at
      ),
    );
    for (const line of treeLines(own, (root) => open.has(root), view)) screen.line(`  ${line}`);
  }

  if (result.fromTheLog > 0) {
    screen.line(colors.dim("  ⇡ sent from the log when its process was dead"));
  }

  screen.section("The count");
  const rows: [string, number][] = [
    ["calls that the program saw finish", result.seen],
    ["of them at the server", result.arrived],
    ["  sent from the log of the killed process", result.fromTheLog],
    ["missing", result.missing.length],
    ["files left in the log directory", result.leftover.length],
    ["calls cut off by the kill (begun, never finished)", result.cutOff],
    ["parts of calls sent twice, counted once", result.sentTwice],
  ];
  for (const [what, count] of rows) screen.line(`  ${`${count}`.padStart(6)}  ${what}`);
  for (const { id, op } of result.missing.slice(0, NAMED)) {
    screen.line(colors.red(`  missing: ${op} ${id}`));
  }
  if (result.missing.length > NAMED) {
    screen.line(colors.red(`  and ${result.missing.length - NAMED} more`));
  }
  for (const name of result.leftover.slice(0, NAMED)) screen.line(colors.red(`  left: ${name}`));
  screen.line();
  screen.line(lastWord(screen, result) + colors.dim(` · ${formatMs(durationMs)}`));
  if (result.ok && wal) screen.line(colors.dim("  The same without the log: add --no-wal"));
  if (!result.ok && !wal) screen.line(colors.dim("  The same with the log: leave out --no-wal"));
}

function lastWord({ colors }: Screen, result: StoryResult): string {
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

/** The result as one JSON value. */
export function resultJson(options: DemoOptions, result: StoryResult, durationMs: number): string {
  const { runtime, seed, wal } = options;
  const { calls, fromTheLogIds: _, ...facts } = result;
  return JSON.stringify({ runtime, seed, wal, durationMs, ...facts, trees: traceTrees(calls) });
}
