/**
 * Reads a project's traces with pending calls, newest first, across all processes. Segments are
 * read from their ends, in parallel, in blocks.
 *
 * @module
 */

import { hasCode } from "../../../errors.ts";
import { isOtelType } from "../../../protocol/otlp/otel_request.ts";
import type { Runtime } from "../../../runtime/runtime.ts";
import type { SegmentState } from "../../../wal/orphans/segment_status.ts";
import { begin, CallForest, MAX_CALLS, type Trace } from "../../inspect/call_tree.ts";
import { factsOf, spanFactsOf } from "../../inspect/record_facts.ts";
import { blocksFromEnd, type LogBatch, readLog } from "../../logs/log_lines.ts";
import { begunAt } from "../../status/state/oldest_record.ts";

/** Bytes of a segment to read at once. */
const BLOCK_BYTES = 512 * 1024;
/** Maximum number of segments whose modification time is looked up; others are ordered by name. */
const MAX_STATS = 2_000;

/** A trace that was read. */
export interface ReadTrace {
  readonly trace: Trace;
  /** Part number of a trace that is too large to be read at once; 0 for the last or only part. */
  readonly part: number;
  /** Start of the trace, epoch ms; `Infinity` if unknown. */
  readonly begun: number;
}

/** Traces that were read, and the progress. */
export interface TraceStep {
  readonly traces: readonly ReadTrace[];
  /** Pending bytes read so far. */
  readonly read: number;
}

interface Cursor {
  readonly state: SegmentState;
  /** Blocks not read yet; `null` before the first one. */
  blocks: AsyncIterator<{ readonly from: number; readonly to: number }> | null;
  /** Unread records are not newer than this, epoch ms. */
  bound: number;
}

/**
 * Reads traces. After each block, yields those that are complete and cannot be followed by newer
 * ones. Memory is bounded: a trace that does not fit is yielded in parts.
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

/** Complete traces, until no newer one can follow. */
class ReadyTraces {
  #traces: ReadTrace[] = [];
  /** Number of their calls. */
  calls = 0;

  add(traces: readonly Trace[], part: number): void {
    for (const trace of traces) {
      this.#traces.push({ trace, part, begun: begin(trace) });
      this.calls += trace.calls.length;
    }
  }

  /** Removes and returns the traces that began at `horizon` (epoch ms) or later, newest first. */
  take(horizon: number): ReadTrace[] {
    const taken = this.#traces.filter(({ begun }) => begun >= horizon)
      .sort((a, b) => b.begun - a.begun);
    if (taken.length === 0) return taken;
    this.#traces = this.#traces.filter(({ begun }) => begun < horizon);
    for (const { trace } of taken) this.calls -= trace.calls.length;
    return taken;
  }
}

/** Returns cursors for all segments with pending bytes, the one with the newest records last. */
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

/** Moves the last cursor to its sorted position. */
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
    if (hasCode(error, "ENOENT")) return null; // Delivered or deleted meanwhile.
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
