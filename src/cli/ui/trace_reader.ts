/**
 * Reads the traces with pending calls of a project, newest first, whichever of its processes wrote
 * them. The segments are read from their ends, side by side, in blocks.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import { isOtelType } from "../../protocol/otlp/otel_request.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { SegmentState } from "../../wal/ownership/segment_status.ts";
import { begin, CallForest, MAX_CALLS, type Trace } from "../inspect/call_tree.ts";
import { factsOf, spanFactsOf } from "../inspect/record_facts.ts";
import { blocksFromEnd, type LogBatch, readLog } from "../logs/log_lines.ts";
import { begunAt } from "../status/oldest_record.ts";

/** Bytes of a segment that are read at once. */
const BLOCK_BYTES = 512 * 1024;
/** Segments for which the time of the last change is looked up; beyond, their names have to do. */
const MAX_STATS = 2_000;

/** A trace that was read. */
export interface ReadTrace {
  readonly trace: Trace;
  /** Number of the part of a trace that is too large to be read as a whole; 0 for the last or only one. */
  readonly part: number;
  /** Epoch ms; `Infinity` where it does not say. */
  readonly begun: number;
}

/** Traces that were read, and how far the reading is. */
export interface TraceStep {
  readonly traces: readonly ReadTrace[];
  /** Pending bytes read so far. */
  readonly read: number;
}

interface Cursor {
  readonly state: SegmentState;
  /** Blocks that were not read yet; `null` before the first one. */
  blocks: AsyncIterator<{ readonly from: number; readonly to: number }> | null;
  /** Epoch ms: what was not read yet is not younger. */
  bound: number;
}

/**
 * Reads traces; after each block it yields those that are complete and of which a younger one cannot
 * follow. Memory is bounded: a trace that does not fit is yielded in parts.
 *
 * @param states The segments of a project, oldest first.
 */
export async function* readTraces(
  runtime: Runtime,
  states: readonly SegmentState[],
): AsyncGenerator<TraceStep> {
  const forest = new CallForest();
  const ready = new ReadyTraces();
  const cursors = openCursors(runtime, states);
  let read = 0;
  let parts = 0;
  while (cursors.length > 0) {
    const cursor = cursors[cursors.length - 1];
    const block = await nextBlock(runtime, cursor);
    if (block === null) {
      cursors.pop();
    } else {
      cursor.bound = Math.min(cursor.bound, await readBlock(runtime, cursor.state, block, forest));
      read += block.to - block.from;
      settle(cursors);
    }
    ready.add(forest.takeComplete(), 0);
    if (forest.isFull) ready.add(forest.takeAll(), ++parts);
    const horizon = ready.calls > MAX_CALLS ? -Infinity : cursors.at(-1)?.bound ?? -Infinity;
    if (block !== null) yield { traces: ready.take(horizon), read };
  }
  ready.add(forest.takeAll(), 0);
  yield { traces: ready.take(-Infinity), read };
}

/** Traces that are complete, until no younger one can follow. */
class ReadyTraces {
  #traces: ReadTrace[] = [];
  /** Their calls. */
  calls = 0;

  add(traces: readonly Trace[], part: number): void {
    for (const trace of traces) {
      this.#traces.push({ trace, part, begun: begin(trace) });
      this.calls += trace.calls.length;
    }
  }

  /** Takes out the traces that began at `horizon` (epoch ms) or later, newest first. */
  take(horizon: number): ReadTrace[] {
    const taken = this.#traces.filter(({ begun }) => begun >= horizon)
      .sort((a, b) => b.begun - a.begun);
    if (taken.length === 0) return taken;
    this.#traces = this.#traces.filter(({ begun }) => begun < horizon);
    for (const { trace } of taken) this.calls -= trace.calls.length;
    return taken;
  }
}

/** Cursors of all segments with pending bytes, the one with the youngest records last. */
function openCursors(runtime: Runtime, states: readonly SegmentState[]): Cursor[] {
  const pending = states.filter(({ size, checkpoint }) => size > checkpoint.offset);
  const hasTimes = pending.length <= MAX_STATS;
  return pending.map((state): Cursor => ({
    state,
    blocks: null,
    bound: (hasTimes ? runtime.files.stat(state.paths.data)?.modified : null) ??
      begunAt(state.stem) ?? 0,
  })).sort((a, b) => a.bound - b.bound);
}

/** Moves the last cursor to its place. */
function settle(cursors: Cursor[]): void {
  const moved = cursors.pop()!;
  let low = 0;
  let high = cursors.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cursors[middle].bound <= moved.bound) low = middle + 1;
    else high = middle;
  }
  cursors.splice(low, 0, moved);
}

async function nextBlock(
  runtime: Runtime,
  cursor: Cursor,
): Promise<{ readonly from: number; readonly to: number } | null> {
  const { state } = cursor;
  cursor.blocks ??= blocksFromEnd(runtime, state, {
    start: state.checkpoint.offset,
    blockBytes: BLOCK_BYTES,
  });
  try {
    const { done, value } = await cursor.blocks.next();
    return done ? null : value;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null; // Delivered, or deleted, while it was read.
    throw error;
  }
}

/** Reads a block into `forest`; returns the time of its oldest record, epoch ms. */
async function readBlock(
  runtime: Runtime,
  state: SegmentState,
  block: { readonly from: number; readonly to: number },
  forest: CallForest,
): Promise<number> {
  let oldest = Infinity;
  try {
    for await (const batch of readLog(runtime, state, block)) {
      oldest = Math.min(oldest, readBatch(batch, state.stem, forest));
    }
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
  return oldest;
}

function readBatch({ bytes, lines }: LogBatch, stem: string, forest: CallForest): number {
  let oldest = Infinity;
  for (const line of lines) {
    if (!("record" in line)) continue;
    const { record, length, offset } = line;
    const { type } = record;
    const place = { stem, offset };
    if (isOtelType(type)) {
      const spans = spanFactsOf(bytes, record);
      for (const span of spans) {
        forest.addSpan(span, length / spans.length, place);
        oldest = Math.min(oldest, span.time ?? Infinity);
      }
      continue;
    }
    const facts = factsOf(bytes, record);
    oldest = Math.min(oldest, facts.time ?? Infinity);
    if (type === "call_start" || type === "call_end") {
      forest.add(type, facts, length, { place });
    } else forest.note(facts, length);
  }
  return oldest;
}
