/**
 * Calls that are not recorded because they are in a trace of this package that was not sampled.
 * Official ops inside it are not recorded either.
 *
 * @module
 */

import { shared } from "../../runtime/process/shared_state.ts";

/** Maximum number of IDs to keep; a child that starts later is recorded without its parent. */
const MAX_IDS = 100_000;

/** Functions that count a further call, by the ID of its parent. */
const counters = shared("unsampled-calls", () => new Map<unknown, () => void>());

/** Stores the ID of a call that is not recorded. */
export function noteUnsampled(callId: unknown, count: () => void): void {
  counters.set(callId, count);
  if (counters.size > MAX_IDS) counters.delete(counters.keys().next().value);
}

/** Returns whether a call is not recorded, since its parent is not; counts it. */
export function dropsChild(callId: unknown, parentId: unknown): boolean {
  const count = counters.get(parentId);
  if (count === undefined) return false;
  count();
  noteUnsampled(callId, count);
  return true;
}

/** Returns whether a call is not recorded. */
export function isUnsampled(callId: unknown): boolean {
  return counters.has(callId);
}
