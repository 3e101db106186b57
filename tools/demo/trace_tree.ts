/**
 * Builds trace trees from the calls at the server.
 *
 * @module
 */

import { readException } from "../../src/protocol/exception_text.ts";
import type { CallRecord } from "../mock_server/store/call_store.ts";

/** A call and its children. */
export interface TraceNode {
  readonly id: string;
  readonly op: string;
  /** Its first argument, if this is a short string. */
  readonly hint: string;
  /** Epoch ms; `NaN` without a start. */
  readonly startedAt: number;
  /** `null` without an end. */
  readonly durationMs: number | null;
  readonly exception: string | null;
  readonly children: readonly TraceNode[];
}

/** Trees of all root calls, in order of their starts. */
export function traceTrees(calls: readonly CallRecord[]): TraceNode[] {
  const known = new Set(calls.map(({ id }) => id));
  const byParent = new Map<string | null, CallRecord[]>();
  for (const call of calls) {
    const parent = call.parent_id !== null && known.has(call.parent_id) ? call.parent_id : null;
    byParent.set(parent, [...byParent.get(parent) ?? [], call]);
  }
  const nodesBelow = (parent: string | null): TraceNode[] =>
    (byParent.get(parent) ?? []).map((call) => nodeOf(call, nodesBelow(call.id)))
      .sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1));
  return nodesBelow(null);
}

/** The name in a call's op ref: `weave:///entity/project/op/<name>:<digest>`. */
export function opNameOf(call: CallRecord): string {
  return /([^/]*):[^:/]*$/.exec(call.op_name ?? "")?.[1] ?? call.op_name ?? "?";
}

/** A node and all its descendants. */
export function* nodesOf(node: TraceNode): Generator<TraceNode> {
  yield node;
  for (const child of node.children) yield* nodesOf(child);
}

function nodeOf(call: CallRecord, children: TraceNode[]): TraceNode {
  const startedAt = Date.parse(call.started_at ?? "");
  return {
    id: call.id,
    op: opNameOf(call),
    hint: hintOf(Object.values(call.inputs)[0]),
    startedAt,
    durationMs: call.ended_at === null ? null : milliseconds(call.started_at, call.ended_at),
    exception: call.exception === null ? null : readException(call.exception),
    children,
  };
}

/** Difference in ms between two timestamps with microseconds, which `Date` would drop. */
function milliseconds(from: string | null, to: string): number {
  if (from === null) return NaN;
  const micros = (time: string) =>
    Number(/\.\d{3}(\d+)/.exec(time)?.[1].padEnd(3, "0").slice(0, 3) ?? 0);
  return ((Date.parse(to) - Date.parse(from)) * 1_000 + micros(to) - micros(from)) / 1_000;
}

function hintOf(input: unknown): string {
  if (typeof input !== "string" || input === "") return "";
  if (!input.includes(" ")) return input.split(/[/\\]/).at(-1)!;
  return input.length > 80 || input.includes("\n") ? "" : `“${input}”`;
}
