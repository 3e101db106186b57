/**
 * Joins starts and ends into calls and calls into trees.
 *
 * @module
 */

import type { RecordFacts } from "./record_facts.ts";

/** A call as a log tells of it. */
export interface CallNode {
  readonly id: string;
  traceId: string | undefined;
  parentId: string | undefined;
  op: string | undefined;
  displayName: string | undefined;
  /** Epoch ms. */
  started: number | undefined;
  ended: number | undefined;
  exception: string | undefined;
  /** Whether the log holds its start and its end. */
  hasStart: boolean;
  hasEnd: boolean;
  /** Bytes of its records. */
  bytes: number;
  children: CallNode[];
}

/** Calls of one trace. */
export interface Trace {
  readonly id: string;
  readonly roots: readonly CallNode[];
  /** All of its calls. */
  readonly calls: readonly CallNode[];
}

/** Calls that are held in memory at most. */
export const MAX_CALLS = 50_000;

/** Holds the calls of a log until they are shown. */
export class CallForest {
  readonly #traces = new Map<string, Map<string, CallNode>>();
  readonly #traceOfCall = new Map<string, string>();
  #size = 0;

  /** Calls in memory. */
  get size(): number {
    return this.#size;
  }

  /** Takes a `call_start` or `call_end` in. */
  add(type: "call_start" | "call_end", facts: RecordFacts, bytes: number): void {
    const { callId } = facts;
    if (callId === undefined) return;
    const node = this.#node(callId, facts.traceId);
    node.bytes += bytes;
    if (type === "call_start") {
      node.hasStart = true;
      node.parentId = facts.parentId;
      node.op = facts.op;
      node.started = facts.time;
      node.displayName ??= facts.displayName;
    } else {
      node.hasEnd = true;
      node.ended = facts.time;
      node.exception = facts.exception;
    }
  }

  /** Takes another record of a call in, such as a new name. */
  note({ callId, displayName }: RecordFacts, bytes: number): void {
    const trace = callId === undefined ? undefined : this.#traceOfCall.get(callId);
    const node = trace === undefined ? undefined : this.#traces.get(trace)?.get(callId!);
    if (!node) return;
    node.bytes += bytes;
    if (displayName) node.displayName = displayName;
  }

  /**
   * Takes traces out, oldest first, until at most `keep` calls are left; those whose calls have all
   * ended go first.
   */
  take(keep: number): Trace[] {
    const traces = [...this.#traces].map(([id, calls]) => treeOf(id, calls));
    if (keep > 0) traces.sort((a, b) => Number(isRunning(a)) - Number(isRunning(b)));
    const taken: Trace[] = [];
    for (const trace of traces) {
      if (this.#size <= keep) break;
      this.#size -= trace.calls.length;
      this.#traces.delete(trace.id);
      for (const { id } of trace.calls) this.#traceOfCall.delete(id);
      taken.push(trace);
    }
    return taken.sort((a, b) => begin(a) - begin(b));
  }

  #node(id: string, traceId: string | undefined): CallNode {
    const trace = this.#traceOfCall.get(id) ?? traceId ?? id;
    let calls = this.#traces.get(trace);
    if (!calls) this.#traces.set(trace, calls = new Map());
    let node = calls.get(id);
    if (!node) {
      node = {
        id,
        traceId,
        parentId: undefined,
        op: undefined,
        displayName: undefined,
        started: undefined,
        ended: undefined,
        exception: undefined,
        hasStart: false,
        hasEnd: false,
        bytes: 0,
        children: [],
      };
      calls.set(id, node);
      this.#traceOfCall.set(id, trace);
      this.#size++;
    }
    return node;
  }
}

/** A call of a tree, and where it stands in it. */
export interface PlacedCall {
  readonly call: CallNode;
  readonly depth: number;
  /** Whether no sibling follows. */
  readonly isLast: boolean;
  /** The call above it; `null` for a root. */
  readonly above: PlacedCall | null;
}

/** Walks a tree of any depth from the top down. */
export function* walk({ roots }: Trace): Generator<PlacedCall> {
  const stack: PlacedCall[] = [];
  const push = (calls: readonly CallNode[], above: PlacedCall | null): void => {
    const depth = above === null ? 0 : above.depth + 1;
    for (let i = calls.length - 1; i >= 0; i--) {
      stack.push({ call: calls[i], depth, isLast: i === calls.length - 1, above });
    }
  };
  push(roots, null);
  for (let placed = stack.pop(); placed; placed = stack.pop()) {
    yield placed;
    push(placed.call.children, placed);
  }
}

function treeOf(id: string, nodes: Map<string, CallNode>): Trace {
  const calls = [...nodes.values()].sort((a, b) => (a.started ?? 0) - (b.started ?? 0));
  const roots: CallNode[] = [];
  for (const call of calls) call.children = [];
  for (const call of calls) {
    const parent = call.parentId === undefined ? undefined : nodes.get(call.parentId);
    if (parent) parent.children.push(call);
    else roots.push(call);
  }
  const reached = new Set<CallNode>();
  for (const root of roots) reach(root, reached);
  for (const call of calls) {
    if (reached.has(call)) continue;
    // A log may hold anything, also calls that stand in a ring: it is opened at the first of them.
    const above = nodes.get(call.parentId!)!;
    above.children = above.children.filter((child) => child !== call);
    roots.push(call);
    reach(call, reached);
  }
  return { id, roots, calls };
}

function reach(root: CallNode, reached: Set<CallNode>): void {
  const stack = [root];
  for (let call = stack.pop(); call; call = stack.pop()) {
    if (reached.has(call)) continue;
    reached.add(call);
    stack.push(...call.children);
  }
}

function isRunning({ calls }: Trace): boolean {
  return calls.some(({ hasEnd }) => !hasEnd);
}

function begin({ calls }: Trace): number {
  return calls.reduce((least, { started }) => Math.min(least, started ?? Infinity), Infinity);
}
