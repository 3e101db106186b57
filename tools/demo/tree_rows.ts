/**
 * Formats trace trees as lines of text. Equal calls share a line.
 *
 * @module
 */

import type { Colors } from "./output.ts";
import { nodesOf, type TraceNode } from "./trace_tree.ts";

/** Options for formatting trees. */
export interface TreeView {
  readonly colors: Colors;
  /** Maximum width of a line. */
  readonly width: number;
  /** IDs of calls that were sent from the log of the killed process. */
  readonly fromTheLog: ReadonlySet<string>;
}

interface Row {
  readonly branch: string;
  readonly label: string;
  readonly hint: string;
  readonly time: string;
  readonly marks: readonly string[];
}

/** Calls that share a line. */
interface Group {
  readonly nodes: readonly TraceNode[];
  readonly children: readonly TraceNode[];
}

/** Up to this number, equal calls get a line each. */
const SINGLE = 2;

/**
 * Formats trees as lines.
 *
 * @param isOpen Whether the descendants of a root are shown. Otherwise its line counts them.
 */
export function treeLines(
  roots: readonly TraceNode[],
  isOpen: (root: TraceNode) => boolean,
  view: TreeView,
): string[] {
  const rows: Row[] = [];
  roots.forEach((root, index) => {
    const isLast = index === roots.length - 1;
    addRows({ nodes: [root], children: root.children }, "", isLast, isOpen(root), view, rows);
  });
  const left = ({ branch, label, hint }: Row) => branch.length + label.length + hint.length;
  const column = Math.min(Math.max(0, ...rows.map(left)) + 2, Math.max(40, view.width - 30));
  return rows.map((row) => lineOf(row, column, view));
}

function addRows(
  group: Group,
  indent: string,
  isLast: boolean,
  isOpen: boolean,
  view: TreeView,
  rows: Row[],
): void {
  rows.push(rowOf(group, `${indent}${isLast ? "└─ " : "├─ "}`, isOpen, view));
  if (!isOpen) return;
  const groups = grouped(group.children);
  groups.forEach((below, index) => {
    const deeper = `${indent}${isLast ? "   " : "│  "}`;
    addRows(below, deeper, index === groups.length - 1, true, view, rows);
  });
}

function rowOf({ nodes }: Group, branch: string, isOpen: boolean, view: TreeView): Row {
  const [first] = nodes;
  const { colors, fromTheLog } = view;
  const many = nodes.length > 1;
  const shown = isOpen ? nodes : [...nodesOf(first)];
  const saved = shown.filter(({ id }) => fromTheLog.has(id)).length;
  const marks: string[] = [];
  if (!isOpen) marks.push(colors.dim(`${shown.length} calls`));
  if (first.exception !== null) marks.push(colors.red(`✗ ${clip(oneLine(first.exception), 60)}`));
  if (first.durationMs === null) marks.push(colors.yellow("interrupted by the kill"));
  if (saved > 0) marks.push(colors.yellow(shown.length > 1 ? `⇡ ${saved}` : "⇡"));
  const total = nodes.reduce((sum, { durationMs }) => sum + (durationMs ?? 0), 0);
  return {
    branch,
    label: many ? `${first.op} ×${nodes.length}` : first.op,
    hint: many || first.hint === "" ? "" : ` ${first.hint}`,
    time: first.durationMs === null ? "–" : formatMs(total),
    marks,
  };
}

function lineOf({ branch, label, hint, time, marks }: Row, column: number, view: TreeView): string {
  const { colors } = view;
  const room = Math.max(0, column - branch.length - label.length - 1);
  const shortHint = clip(hint, room);
  const gap = " ".repeat(Math.max(1, column - branch.length - label.length - shortHint.length));
  const end = marks.length > 0 ? `  ${marks.join("  ")}` : "";
  const failed = marks.some((mark) => mark.includes("✗"));
  return colors.dim(branch) + (failed ? colors.red(label) : colors.bold(label)) +
    colors.cyan(shortHint) + gap + time.padStart(8) + end;
}

/** Groups equal calls, in order of their first calls. */
function grouped(nodes: readonly TraceNode[]): Group[] {
  const alike = new Map<string, TraceNode[]>();
  for (const node of nodes) {
    const key = JSON.stringify([node.op, node.exception, node.durationMs === null]);
    alike.set(key, [...alike.get(key) ?? [], node]);
  }
  return [...alike.values()].flatMap((same): Group[] =>
    same.length > SINGLE
      ? [{ nodes: same, children: same.flatMap(({ children }) => children) }]
      : same.map((node) => ({ nodes: [node], children: node.children }))
  );
}

/** Truncates a text to `room` characters. */
export function clip(text: string, room: number): string {
  return text.length <= room ? text : room < 2 ? "" : `${text.slice(0, room - 1)}…`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** Formats a duration. */
export function formatMs(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
