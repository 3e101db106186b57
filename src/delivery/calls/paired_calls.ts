/**
 * Calls sorted for the v2 path: complete ones by project, and unpaired ones.
 * @module
 */

import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { RecordBatch } from "../../wal/record/record_batch.ts";
import { extendedBatch } from "../records/request_body.ts";
import { readCall } from "./call_fields.ts";
import {
  buildItems,
  type BuiltItems,
  callKey,
  type CallPair,
  type CallRecord,
  completeItem,
  isRepeat,
  readCalls,
} from "./call_record.ts";
import { type CompleteCalls, completeCalls } from "./complete_body.ts";
import type { PendingCalls } from "./pending_calls.ts";

/** Complete calls of one project. */
export interface CompleteGroup {
  readonly projectId: string;
  /** All of them as one request, if it has been built. */
  readonly body: Uint8Array<ArrayBuffer> | null;
  readonly items: () => BuiltItems;
  /** Byte offsets of the lines of its calls. */
  readonly offsets: () => number[];
}

/** Calls sorted for the v2 path. */
export interface SortedCalls {
  readonly groups: readonly CompleteGroup[];
  /** Starts without ends, then ends without starts. */
  readonly lone: readonly CallRecord[];
  /** Calls with several different starts or ends: their records are sent one by one, in order. */
  readonly sequences: readonly (readonly CallRecord[])[];
  /** Records that are neither a start nor an end. */
  readonly deadLetters: readonly DeadLetter[];
  /** Whether a record was left out because it repeats another one. */
  readonly hasRepeats: boolean;
}

/** Calls of a batch, and the waiting halves removed for them. */
export interface SortedBatch extends SortedCalls {
  readonly waited: readonly CallRecord[];
}

/**
 * Sorts the calls of a batch.
 *
 * @param spare Buffer for a body, if it is large enough.
 * @param pending Waiting halves of calls: those whose calls continue in the batch are removed.
 */
export function sortBatch(
  batch: RecordBatch,
  spare: Uint8Array<ArrayBuffer>,
  pending: PendingCalls,
): SortedBatch {
  const known = orNull(() => completeCalls(batch, spare, pending));
  if (known !== null) return ofOneProject(batch, known, pending);
  const { calls, deadLetters } = readCalls(batch);
  const { pairs, ...rest } = groupCalls(calls, pending);
  return { ...rest, groups: withPairs([], pairs), deadLetters };
}

/** Sorts calls of any layout and any number of projects. */
export function sortCalls(
  calls: readonly CallRecord[],
  deadLetters: readonly DeadLetter[],
): SortedCalls {
  const { pairs, lone, sequences, hasRepeats } = groupCalls(calls, null);
  return { groups: withPairs([], pairs), lone, sequences, deadLetters, hasRepeats };
}

interface GroupedCalls extends Pick<SortedBatch, "lone" | "sequences" | "waited" | "hasRepeats"> {
  /** By project. */
  readonly pairs: ReadonlyMap<string, readonly CallPair[]>;
}

/**
 * Groups records by call.
 *
 * A caller that got no response sends its request again, so a log may contain a record twice. The
 * server must not receive a start after the end of its call, because that would reopen the call,
 * nor an end in parallel with its start, because it would not find the call: a byte-for-byte
 * repetition within a call is sent only once.
 */
function groupCalls(calls: readonly CallRecord[], pending: PendingCalls | null): GroupedCalls {
  const byKey = new Map<string, CallRecord[]>();
  let hasRepeats = false;
  for (const call of calls) {
    const key = callKey(call);
    const known = byKey.get(key);
    // It may wait together with the record that it repeats.
    if (pending?.repeats(call) || known?.some((one) => isRepeat(one, call))) hasRepeats = true;
    else if (known === undefined) byKey.set(key, [call]);
    else known.push(call);
  }
  const pairs = new Map<string, CallPair[]>();
  const lone: CallRecord[] = [];
  const sequences: CallRecord[][] = [];
  const waited: CallRecord[] = [];
  for (const records of byKey.values()) {
    const half = pending?.take(records);
    if (half !== undefined) {
      waited.push(half);
      if (isStart(half)) records.unshift(half);
      else records.push(half);
    }
    const pair = pairOf(records);
    if (pair !== null) {
      const { projectId } = pair.start.parts;
      const ofProject = pairs.get(projectId);
      if (ofProject) ofProject.push(pair);
      else pairs.set(projectId, [pair]);
    } else if (records.length === 1) lone.push(records[0]);
    else sequences.push(records);
  }
  return {
    pairs,
    lone: [...lone.filter(isStart), ...lone.filter((call) => !isStart(call))],
    sequences,
    waited,
    hasRepeats,
  };
}

/**
 * Returns the start and the end of a call, in any order; `null` unless there is exactly one of
 * each.
 */
function pairOf(records: readonly CallRecord[]): CallPair | null {
  if (records.length !== 2) return null;
  const [first, second] = records;
  if (isStart(first) === isStart(second)) return null;
  return isStart(first) ? { start: first, end: second } : { start: second, end: first };
}

function isStart({ record }: CallRecord): boolean {
  return record.type === "call_start";
}

function ofOneProject(
  batch: RecordBatch,
  calls: CompleteCalls,
  pending: PendingCalls,
): SortedBatch {
  const callAt = (index: number): CallRecord => {
    const record = batch.record(index);
    return { record, parts: readCall(record)! };
  };
  const items = (): BuiltItems => {
    const pairs: CallPair[] = [];
    for (let i = 0; i < calls.pairs.length; i += 2) {
      pairs.push({ start: callAt(calls.pairs[i]), end: callAt(calls.pairs[i + 1]) });
    }
    return buildPairs(pairs);
  };
  const { projectId, body } = calls;
  const { pairs, ...rest } = groupCalls(calls.lone.map(callAt), pending);
  const offsets = (): number[] => calls.pairs.map((index) => batch.record(index).offset);
  const own = body === null ? [] : [{ projectId, body, items, offsets }];
  const groups = withPairs(own, pairs);
  return { ...rest, groups, deadLetters: [] };
}

/** Builds the items of complete calls. */
function buildPairs(pairs: readonly CallPair[]): BuiltItems {
  return buildItems(pairs, ({ start, end }) => [start.record, end.record], completeItem);
}

/** Adds pairs to the groups of their projects. */
function withPairs(
  groups: readonly CompleteGroup[],
  pairs: ReadonlyMap<string, readonly CallPair[]>,
): readonly CompleteGroup[] {
  const all = new Map(groups.map((group) => [group.projectId, group]));
  for (const [projectId, found] of pairs) {
    const group = all.get(projectId);
    const offsets = (): number[] =>
      found.flatMap(({ start, end }) => [start.record.offset, end.record.offset]);
    if (group === undefined) {
      all.set(projectId, { projectId, body: null, items: () => buildPairs(found), offsets });
      continue;
    }
    const more = buildPairs(found);
    const isWhole = group.body && more.deadLetters.length === 0;
    all.set(projectId, {
      projectId,
      body: isWhole ? extendedBatch(group.body!, more.items.map(({ pieces }) => pieces)) : null,
      items: () => {
        const own = group.items();
        return {
          items: [...own.items, ...more.items],
          deadLetters: [...own.deadLetters, ...more.deadLetters],
        };
      },
      offsets: () => [...group.offsets(), ...offsets()],
    });
  }
  return [...all.values()];
}

/** Returns what `build` makes; `null` if it throws: a body may be too large for a buffer. */
export function orNull<T>(build: () => T): T | null {
  try {
    return build();
  } catch {
    return null;
  }
}
