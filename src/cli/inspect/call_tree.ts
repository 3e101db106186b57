/**
 * Joins starts and ends to calls, and calls to trees.
 *
 * @module
 */

import type { CallValue, RecordFacts, SpanFacts } from "./record_facts.ts";

/** A record in a log. */
export interface RecordPlace {
  /** Name of its part of the log. */
  readonly part: string;
  /** Position in this part. */
  readonly offset: number;
}

/** A call, according to a log. */
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
  /** Whether the log contains its start and its end. */
  hasStart: boolean;
  hasEnd: boolean;
  /** Whether it is an OpenTelemetry span. */
  isSpan: boolean;
  /** Total bytes of its records. */
  bytes: number;
  /** The records of its start and end, if the reader provides their positions. */
  startPlace: RecordPlace | undefined;
  endPlace: RecordPlace | undefined;
  /** Present only if they will be shown. */
  inputs: CallValue | undefined;
  output: CallValue | undefined;
  children: CallNode[];
}

/** Calls of one trace. */
export interface Trace {
  readonly id: string;
  readonly roots: readonly CallNode[];
  /** All calls of the trace. */
  readonly calls: readonly CallNode[];
}

/** Maximum number of calls in memory. */
export const MAX_CALLS = 50_000;
/** Maximum bytes of their inputs and outputs. */
const MAX_VALUE_BYTES = 32 * 1024 * 1024;

/** A record about a call other than its start and end. */
interface Note {
  displayName: string | undefined;
  bytes: number;
}

/** Joins records to calls, in any order, until the calls are shown. */
export class CallForest {
  readonly #traces = new Map<string, Map<string, CallNode>>();
  readonly #traceOfCall = new Map<string, string>();
  /** Records about calls of which neither start nor end was read yet. */
  readonly #notes = new Map<string, Note>();
  /** End of the last span read, epoch ms. */
  #lastEnd = Infinity;
  #size = 0;
  #valueBytes = 0;

  /** Whether no more records should be added. */
  get isFull(): boolean {
    return this.#size + this.#notes.size > MAX_CALLS || this.#valueBytes > MAX_VALUE_BYTES;
  }

  /** Adds a `call_start` or `call_end`. */
  add(
    type: "call_start" | "call_end",
    facts: RecordFacts,
    bytes: number,
    { value, place }: { readonly value?: CallValue; readonly place?: RecordPlace } = {},
  ): void {
    const { callId } = facts;
    if (callId === undefined) return;
    const node = this.#node(callId, facts.traceId);
    node.bytes += bytes;
    this.#valueBytes += value?.text.length ?? 0;
    if (type === "call_start") {
      node.hasStart = true;
      node.parentId = facts.parentId;
      node.op = facts.op;
      node.started = facts.time;
      node.displayName ??= facts.displayName;
      node.inputs = value;
      node.startPlace = place;
    } else {
      node.hasEnd = true;
      node.ended = facts.time;
      node.exception = facts.exception;
      node.output = value;
      node.endPlace = place;
    }
  }

  /** Adds an OpenTelemetry span. */
  addSpan({ started, ...end }: SpanFacts, bytes: number, place?: RecordPlace): void {
    const { callId, traceId } = end;
    if (callId === undefined) return;
    this.add("call_start", { ...end, time: started }, bytes, { place });
    this.add("call_end", end, 0, { place });
    this.#node(callId, traceId).isSpan = true;
    this.#lastEnd = end.time ?? Infinity;
  }

  /** Adds another record of a call, such as a new name. */
  note({ callId, displayName }: RecordFacts, bytes: number): void {
    if (callId === undefined) return;
    const trace = this.#traceOfCall.get(callId);
    const known = trace === undefined ? undefined : this.#traces.get(trace)?.get(callId);
    const note: Note = known ?? this.#notes.get(callId) ?? { displayName: undefined, bytes: 0 };
    note.bytes += bytes;
    if (displayName) note.displayName = displayName;
    if (known === undefined) this.#notes.set(callId, note);
  }

  /**
   * Removes and returns the traces whose root was read, newest first. When a log is read from its
   * end, nothing of them can follow.
   */
  takeComplete(): Trace[] {
    return this.#take(([, calls]) =>
      [...calls.values()].some((call) =>
        call.hasStart && call.parentId === undefined && !this.#mayFollow(call)
      )
    );
  }

  /**
   * Returns whether more of a trace may be read: the span of a root is written after its
   * descendants.
   */
  #mayFollow({ isSpan, started }: CallNode): boolean {
    return isSpan && this.#lastEnd >= (started ?? -Infinity);
  }

  /** Removes and returns all traces, newest first. */
  takeAll(): Trace[] {
    const taken = this.#take(() => true);
    this.#notes.clear();
    return taken;
  }

  #take(isTaken: (entry: [string, Map<string, CallNode>]) => boolean): Trace[] {
    const taken: Trace[] = [];
    for (const [id, calls] of [...this.#traces].filter(isTaken)) {
      const trace = treeOf(id, calls);
      this.#size -= trace.calls.length;
      this.#traces.delete(id);
      for (const { id: call, inputs, output } of trace.calls) {
        this.#traceOfCall.delete(call);
        this.#valueBytes -= (inputs?.text.length ?? 0) + (output?.text.length ?? 0);
      }
      taken.push(trace);
    }
    return taken.sort((a, b) => begin(b) - begin(a));
  }

  #node(id: string, traceId: string | undefined): CallNode {
    const known = this.#traceOfCall.get(id);
    const trace = traceId ?? known ?? id;
    const node = known === undefined
      ? this.#newNode(id, traceId)
      : this.#traces.get(known)!.get(id)!;
    if (trace === known) return node;
    // An end need not contain its trace ID; its start, which is read later, does.
    if (known !== undefined) this.#leave(known, id);
    const calls = this.#traces.get(trace);
    if (calls) calls.set(id, node);
    else this.#traces.set(trace, new Map([[id, node]]));
    this.#traceOfCall.set(id, trace);
    return node;
  }

  #leave(trace: string, id: string): void {
    const calls = this.#traces.get(trace)!;
    calls.delete(id);
    if (calls.size === 0) this.#traces.delete(trace);
  }

  #newNode(id: string, traceId: string | undefined): CallNode {
    this.#size++;
    const note = this.#notes.get(id);
    this.#notes.delete(id);
    return {
      id,
      traceId,
      parentId: undefined,
      op: undefined,
      displayName: note?.displayName,
      started: undefined,
      ended: undefined,
      exception: undefined,
      hasStart: false,
      hasEnd: false,
      isSpan: false,
      bytes: note?.bytes ?? 0,
      startPlace: undefined,
      endPlace: undefined,
      inputs: undefined,
      output: undefined,
      children: [],
    };
  }
}

/** A call in a tree, and its position. */
export interface PlacedCall {
  readonly call: CallNode;
  readonly depth: number;
  /** Whether it is the last sibling. */
  readonly isLast: boolean;
  /** The parent; `null` for a root. */
  readonly above: PlacedCall | null;
}

/** Walks a tree of any depth in preorder. */
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
    // A log may contain anything, even cyclic calls: break the cycle at the first of them.
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

/** Returns the start of a trace, epoch ms; `Infinity` if unknown. */
export function begin({ calls }: Trace): number {
  return calls.reduce(
    (least, { started, ended }) => Math.min(least, started ?? ended ?? Infinity),
    Infinity,
  );
}
