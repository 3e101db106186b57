/**
 * Calls of one batch of records, prepared for one of the two calls APIs.
 * @module
 */

import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { RecordBatch } from "../../wal/record/record_batch.ts";
import { heldEnd } from "../records/dead_letters.ts";
import type { BufferPool } from "../records/request_body.ts";
import { callKey, type CallRecord, callsOf, readCalls } from "./call_record.ts";
import type { OpenCalls } from "./open_calls.ts";
import { orNull, sortBatch, sortCalls, type SortedCalls } from "./paired_calls.ts";
import type { PendingCalls } from "./pending_calls.ts";
import { canOverwrite, upsertBody, upsertBodyInPlace } from "./upsert_body.ts";

/** A calls API: complete calls (v2), or starts and ends in `/call/upsert_batch` (v1). */
export type CallRouteName = "complete" | "batch";

/** Calls that are sent with one batch of records, through either API. */
export interface Load {
  /** API that the calls are prepared for. */
  readonly path: CallRouteName;
  /** Whether it contains no end without its start. */
  readonly independent: boolean;
  /** All calls in one body, for `batch`. */
  readonly upsert: Uint8Array<ArrayBuffer> | null;
  /** Whether `upsert` has its own memory. */
  readonly isCopy: boolean;
  /** All calls, for `complete`. */
  readonly sorted: SortedCalls | null;
  /** All calls in order, pending ones first, for either API. */
  readonly all: () => Promise<{ calls: CallRecord[]; deadLetters: DeadLetter[] }>;
  /** Byte offsets of the lines in `upsert`. */
  readonly offsets: () => number[];
}

const NONE: ReadonlySet<number> = new Set();

/** Prepares calls for the v1 batch API. */
export function loadUpsert(batch: RecordBatch, pending: PendingCalls, bodies: BufferPool): Load {
  const waited = [...pending.starts.takeAll(), ...pending.ends.takeAll()];
  const overwrites = waited.length === 0 && canOverwrite(batch);
  let upsert: Load["upsert"] = null;
  if (overwrites) upsert = orNull(() => upsertBodyInPlace(batch));
  else if (waited.length === 0) upsert = orNull(() => upsertBody(batch, bodies.take()));
  let restored: Promise<void> | undefined;
  return {
    path: "batch",
    independent: !batch.has("call_end") && !waited.some(isEnd),
    upsert,
    isCopy: !overwrites,
    sorted: null,
    all: async () => {
      if (overwrites) await (restored ??= batch.restore!());
      return allOf(batch, waited, NONE);
    },
    offsets: () =>
      [...waited.map(({ record }) => record), ...callsOf(batch)].map(({ offset }) => offset),
  };
}

/** Treatment of calls without their other half. */
export interface UnpairedPolicy {
  /** Whether starts may wait for their ends. */
  readonly wait: boolean;
  /** Calls whose starts were sent. */
  readonly started: Pick<OpenCalls, "has">;
}

/** Prepares calls for the v2 calls API. */
export function loadComplete(
  batch: RecordBatch,
  pending: PendingCalls,
  { wait, started }: UnpairedPolicy,
  bodies: BufferPool,
): Load {
  const { starts, ends } = pending;
  const { groups, lone, sequences, deadLetters, hasRepeats, ...found } = sortBatch(
    batch,
    bodies.take(),
    pending,
  );
  const waiting = new Set<number>();
  const unpaired: CallRecord[] = [];
  for (const call of lone) {
    const waits = isEnd(call) ? !started.has(call) && ends.hold(call) : wait && starts.add(call);
    if (waits) waiting.add(call.record.offset);
    else unpaired.push(call);
  }
  // No start of this batch is due yet, and a start that is sent separately is sent before its end.
  const dueEnds = ends.takeDue();
  const inOrder: CallRecord[][] = [];
  for (const end of dueEnds) {
    // A start that was read while the end was in flight.
    const start = starts.take(end);
    inOrder.push(start === undefined ? [end] : [start, end]);
  }
  const due = wait ? starts.takeDue() : starts.takeAll();
  const waited = [...found.waited, ...due, ...inOrder.flat()];
  const sorted = {
    groups,
    lone: [...due, ...unpaired],
    sequences: [...sequences, ...inOrder],
    deadLetters,
    hasRepeats,
  };
  return {
    path: "complete",
    independent: sequences.length === 0 && dueEnds.length === 0 && !unpaired.some(isEnd),
    upsert: null,
    isCopy: true,
    sorted,
    all: () => Promise.resolve(allOf(batch, waited, waiting)),
    offsets: () => [],
  };
}

function isEnd({ record }: CallRecord): boolean {
  return record.type === "call_end";
}

/**
 * Sorts the calls of a load that was prepared for the other API, or whose body was rejected. The v1
 * API accepts an end before its start; for the v2 API it may have to wait.
 * @param hold Makes an end wait; returns `false` if it may not.
 */
export async function sortedAll(
  load: Load,
  hold: (end: CallRecord) => boolean,
): Promise<SortedCalls> {
  const { calls, deadLetters } = await load.all();
  const sorted = sortCalls(calls, deadLetters);
  if (load.path === "complete") return sorted;
  const held = sorted.lone.filter((call) => isEnd(call) && hold(call));
  return {
    ...sorted,
    lone: sorted.lone.filter((call) => !held.includes(call)),
    deadLetters: [...deadLetters, ...held.map(({ record }) => heldEnd(record))],
  };
}

/**
 * Splits a load, keeping each start and its end together.
 * @returns Dead letters and the halves; `null` for a single call.
 */
export async function halvesOf(load: Load): Promise<[DeadLetter[], Load, Load] | null> {
  const { calls, deadLetters } = await load.all();
  const keys = [...new Set(calls.map(callKey))];
  if (keys.length < 2) return null;
  const first = new Set(keys.slice(0, keys.length >> 1));
  const half = (wanted: boolean): Load => {
    const some = calls.filter((call) => first.has(callKey(call)) === wanted);
    const all = () => Promise.resolve({ calls: some, deadLetters: [] });
    return { ...load, upsert: null, isCopy: true, sorted: null, all };
  };
  return [deadLetters, half(true), half(false)];
}

/**
 * Returns the calls that are sent with a batch: the pending ones, and its own except those that
 * wait.
 */
function allOf(
  batch: RecordBatch,
  waited: readonly CallRecord[],
  waiting: ReadonlySet<number>,
): { calls: CallRecord[]; deadLetters: DeadLetter[] } {
  const { calls, deadLetters } = readCalls(batch);
  const sent = calls.filter(({ record }) => !waiting.has(record.offset));
  return { calls: [...waited, ...sent], deadLetters };
}
