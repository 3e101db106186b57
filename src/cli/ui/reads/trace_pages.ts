/**
 * Serves pages of traces and of their calls.
 *
 * @module
 */

import type { Clock } from "../../../runtime/runtime.ts";
import {
  begin,
  type CallNode,
  type RecordPlace,
  type Trace,
  walk,
} from "../../inspect/call_tree.ts";
import type { LogPart } from "../../logs/log_part.ts";
import type { CallPage, CallView, TracePage, TraceView } from "../api_types.ts";
import { PagedReads } from "./paged_reads.ts";
import { readTraces, type TraceStep } from "./trace_reader.ts";

/** Number of traces on a page. */
const PAGE_TRACES = 50;
/** Maximum bytes to read for a page, since matches may be rare. */
const PAGE_BYTES = 32 * 1024 * 1024;
/** Maximum blocks to read for a page, since there may be many small parts. */
const PAGE_STEPS = 2_000;
/** Number of calls on a page of a trace. */
const PAGE_CALLS = 500;
/** Maximum total calls of the cached traces. */
const MAX_CALLS = 100_000;
/** Maximum depth; deeper calls are shown at this level. */
const MAX_DEPTH = 1_000;
/** Maximum characters of names and errors in a tree. */
const MAX_TEXT = 300;

/** Criteria for traces. */
export interface TraceFilter {
  /** Only traces with a failed call. */
  readonly errors: boolean;
  /**
   * Only traces with a call whose name or ID contains this text, ignoring case.
   */
  readonly text: string;
}

/** Looks up the parts of a project; returns `null` if it is unknown. */
export type FindParts = (directory: string) => Promise<readonly LogPart[] | null>;

/** Some of the traces in a list. */
interface Listed extends TraceStep {
  /** Bytes to read for all of them. */
  readonly total: number;
  /** Prefix of the keys of its traces. */
  readonly prefix: string;
}

/** Reads pages of traces. */
export class TracePages {
  readonly #find: FindParts;
  readonly #reads: PagedReads<Listed>;
  readonly #opened = new OpenTraces();

  /** @param newId Creates the IDs of lists. */
  constructor(clock: Clock, find: FindParts, newId: () => string) {
    this.#find = find;
    this.#reads = new PagedReads(clock, newId);
  }

  /** Starts a list of a project's traces; returns its ID. */
  begin(directory: string): string {
    return this.#reads.begin(this.#list(directory));
  }

  /** Reads the next page of a list; returns `null` if the list is closed. */
  async page(id: string, filter: TraceFilter): Promise<TracePage | null> {
    const traces: TraceView[] = [];
    let total = 0;
    let read = 0;
    let begun: number | null = null;
    for (let steps = 0; steps < PAGE_STEPS; steps++) {
      const next = await this.#reads.next(id);
      if (next === null && steps === 0) return null;
      if (next === null || next.done) return { traces, next: null, read, total };
      const { prefix } = next.value;
      ({ total, read } = next.value);
      begun ??= read;
      for (const { trace, part } of next.value.traces) {
        if (!passes(trace, filter)) continue;
        const key = `${prefix}${trace.id}${part === 0 ? "" : `~${part}`}`;
        this.#opened.add(key, trace);
        traces.push(traceView(trace, key));
      }
      if (traces.length >= PAGE_TRACES || read - begun >= PAGE_BYTES) break;
    }
    return { traces, next: id, read, total };
  }

  /** Reads a page of a trace's calls; returns `null` if the trace must be listed again first. */
  calls(key: string, from: number): CallPage | null {
    const trace = this.#opened.get(key);
    if (trace === null) return null;
    const calls: CallView[] = [];
    let at = 0;
    for (const { call, depth } of walk(trace)) {
      if (at++ < from) continue;
      calls.push(callView(call, Math.min(depth, MAX_DEPTH)));
      if (calls.length >= PAGE_CALLS) break;
    }
    return { trace: traceView(trace, key), calls, from };
  }

  /** Closes all lists. */
  close(): void {
    this.#reads.closeAll();
  }

  async *#list(directory: string): AsyncGenerator<Listed> {
    const parts = await this.#find(directory) ?? [];
    const total = parts.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0);
    const prefix = `${directory}/`;
    for await (const { traces, read } of readTraces(parts)) {
      // One block may complete thousands of traces.
      for (let from = 0; from === 0 || from < traces.length; from += PAGE_TRACES) {
        yield { traces: traces.slice(from, from + PAGE_TRACES), read, total, prefix };
      }
    }
  }
}

/** Caches the traces listed last, so that their calls need not be read again. */
class OpenTraces {
  readonly #traces = new Map<string, Trace>();
  #calls = 0;

  /** Stores a trace, replacing an older state of it. */
  add(key: string, trace: Trace): void {
    this.#delete(key);
    this.#traces.set(key, trace);
    this.#calls += trace.calls.length;
    for (const oldest of this.#traces.keys()) {
      if (this.#calls <= MAX_CALLS || oldest === key) break;
      this.#delete(oldest);
    }
  }

  get(key: string): Trace | null {
    return this.#traces.get(key) ?? null;
  }

  #delete(key: string): void {
    const trace = this.#traces.get(key);
    if (trace === undefined) return;
    this.#traces.delete(key);
    this.#calls -= trace.calls.length;
  }
}

function passes({ calls }: Trace, { errors, text }: TraceFilter): boolean {
  if (errors && !calls.some(({ exception }) => exception !== undefined)) return false;
  if (text === "") return true;
  const wanted = text.toLowerCase();
  return calls.some((call) =>
    call.id.includes(wanted) || call.traceId?.includes(wanted) ||
    nameOf(call).toLowerCase().includes(wanted)
  );
}

function traceView(trace: Trace, key: string): TraceView {
  const { calls, roots } = trace;
  const started = begin(trace);
  const ended = calls.reduce((most, call) => Math.max(most, call.ended ?? 0), 0);
  const running = calls.filter(({ hasEnd }) => !hasEnd).length;
  return {
    key,
    name: clip(roots[0] === undefined ? "" : nameOf(roots[0])),
    started: Number.isFinite(started) ? started : null,
    duration: running > 0 || ended === 0 ? null : Math.max(0, ended - started),
    calls: calls.length,
    failed: calls.filter(({ exception }) => exception !== undefined).length,
    running,
    bytes: Math.round(calls.reduce((sum, { bytes }) => sum + bytes, 0)),
  };
}

function callView(call: CallNode, depth: number): CallView {
  return {
    id: clip(call.id),
    depth,
    parent: call.children.length > 0,
    name: clip(nameOf(call)),
    span: call.isSpan,
    started: call.started ?? null,
    ended: call.ended ?? null,
    hasEnd: call.hasEnd,
    error: call.exception === undefined ? null : clip(call.exception),
    bytes: Math.round(call.bytes),
    startAt: placeName(call.startPlace),
    endAt: placeName(call.endPlace),
  };
}

/**
 * Returns a call's name. The start of a long-running call is delivered before its end is written.
 */
function nameOf({ displayName, op, hasStart }: CallNode): string {
  return displayName ?? op ?? (hasStart ? "(unnamed)" : "(its start is not pending)");
}

function placeName(place: RecordPlace | undefined): string | null {
  return place === undefined ? null : `${place.part}:${place.offset}`;
}

function clip(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
