/**
 * Calls sorted for the v2 path: complete ones by project, and unpaired ones.
 *
 * @module
 */

import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { RecordBatch } from "../../wal/record/record_batch.ts";
import { readCall } from "./call_fields.ts";
import {
  buildItems,
  type BuiltItems,
  callKey,
  type CallPair,
  type CallRecord,
  completeItem,
  readCalls,
} from "./call_record.ts";
import { type CompleteCalls, completeCalls } from "./complete_body.ts";

/** The complete calls of one project. */
export interface CompleteGroup {
  readonly projectId: string;
  /** All of them as one request, where that is at hand. */
  readonly body: Uint8Array<ArrayBuffer> | null;
  readonly items: () => BuiltItems;
}

/** Calls sorted for the v2 path. */
export interface SortedCalls {
  readonly groups: readonly CompleteGroup[];
  /** Starts without ends, then ends without starts. */
  readonly lone: readonly CallRecord[];
  /** Records that are neither a start nor an end. */
  readonly deadLetters: readonly DeadLetter[];
}

/**
 * Sorts the calls of a batch.
 *
 * @param spare A buffer to build a body in, if it is large enough.
 */
export function sortBatch(batch: RecordBatch, spare: Uint8Array<ArrayBuffer>): SortedCalls {
  const known = completeCalls(batch, spare);
  if (known !== null) return ofOneProject(batch, known);
  const { calls, deadLetters } = readCalls(batch);
  return sortCalls(calls, deadLetters);
}

/** Sorts calls of any layout and of any number of projects. */
export function sortCalls(
  calls: readonly CallRecord[],
  deadLetters: readonly DeadLetter[],
): SortedCalls {
  const starts = new Map<string, CallRecord>();
  const pairs = new Map<string, CallPair[]>();
  const lone: CallRecord[] = [];
  for (const call of calls) {
    const key = callKey(call);
    const start = starts.get(key);
    if (call.record.type === "call_start" && start === undefined) {
      starts.set(key, call);
    } else if (call.record.type === "call_start" || start === undefined) {
      lone.push(call);
    } else {
      starts.delete(key);
      const { projectId } = call.parts;
      const ofProject = pairs.get(projectId) ?? [];
      pairs.set(projectId, ofProject);
      ofProject.push({ start, end: call });
    }
  }
  return {
    groups: [...pairs].map(([projectId, found]) => ({
      projectId,
      body: null,
      items: () => buildPairs(found),
    })),
    lone: [...starts.values(), ...lone],
    deadLetters,
  };
}

/** The elements of complete calls. */
export function buildPairs(pairs: readonly CallPair[]): BuiltItems {
  return buildItems(pairs, ({ start, end }) => [start.record, end.record], completeItem);
}

function ofOneProject(batch: RecordBatch, calls: CompleteCalls): SortedCalls {
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
  const lone = calls.lone.map(callAt);
  const isStart = ({ record }: CallRecord): boolean => record.type === "call_start";
  return {
    groups: body === null ? [] : [{ projectId, body, items }],
    lone: [...lone.filter(isStart), ...lone.filter((call) => !isStart(call))],
    deadLetters: [],
  };
}
