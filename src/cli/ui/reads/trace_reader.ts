/**
 * Reads a project's traces with pending calls, newest first, across all parts of its log. Parts are
 * read from their ends, in parallel, in blocks.
 *
 * @module
 */

import { hasCode } from "../../../errors.ts";
import { isOtelType } from "../../../protocol/otlp/otel_request.ts";
import { begin, CallForest, MAX_CALLS, type Trace } from "../../inspect/call_tree.ts";
import { factsOf, spanFactsOf } from "../../inspect/record_facts.ts";
import type { LogBatch, LogBlock } from "../../logs/log_lines.ts";
import type { LogPart } from "../../logs/log_part.ts";

/** Approximate bytes of a part to read at once. */
const BLOCK_BYTES = 512 * 1024;
/** Maximum number of parts whose modification time is looked up; others are ordered by their start. */
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
  readonly part: LogPart;
  /** Blocks not read yet; `null` before the first one. */
  blocks: AsyncIterator<LogBlock> | null;
  /** Unread records are not newer than this, epoch ms. */
  bound: number;
}

/**
 * Reads traces. After each block, yields those that are complete and cannot be followed by newer
 * ones. Memory is bounded: a trace that does not fit is yielded in parts.
 *
 * @param parts The parts of a project, oldest first.
 */
export async function* readTraces(parts: readonly LogPart[]): AsyncGenerator<TraceStep> {
  const forest = new CallForest();
  const ready = new ReadyTraces();
  const cursors = openCursors(parts);
  let read = 0;
  let split = 0;
  while (cursors.length > 0) {
    const cursor = cursors[cursors.length - 1];
    const block = await nextBlock(cursor);
    if (block === null) {
      cursors.pop();
    } else {
      cursor.bound = Math.min(cursor.bound, await readBlock(cursor.part, block, forest));
      read += block.bytes;
      settle(cursors);
    }
    ready.add(forest.takeComplete(), 0);
    if (forest.isFull) ready.add(forest.takeAll(), ++split);
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

/** Returns cursors for all parts with pending bytes, the one with the newest records last. */
function openCursors(parts: readonly LogPart[]): Cursor[] {
  const pending = parts.filter(({ pendingBytes }) => pendingBytes > 0);
  const hasTimes = pending.length <= MAX_STATS;
  return pending.map((part): Cursor => ({
    part,
    blocks: null,
    bound: (hasTimes ? part.written() : null) ?? part.begun ?? Infinity,
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

async function nextBlock(cursor: Cursor): Promise<LogBlock | null> {
  const { part } = cursor;
  cursor.blocks ??= part.blocksFromEnd({ start: part.pendingFrom, blockBytes: BLOCK_BYTES });
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
  part: LogPart,
  { from, to }: LogBlock,
  forest: CallForest,
): Promise<number> {
  let oldest = Infinity;
  try {
    for await (const batch of part.read({ from, to, settledLines: part.delivered() })) {
      oldest = Math.min(oldest, readBatch(batch, part.name, forest));
    }
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
  return oldest;
}

function readBatch({ bytes, lines }: LogBatch, part: string, forest: CallForest): number {
  let oldest = Infinity;
  for (const line of lines) {
    if (!("record" in line)) continue;
    const { record, length, offset } = line;
    const { type } = record;
    const place = { part, offset };
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
