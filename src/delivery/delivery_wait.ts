/**
 * Waits for the delivery of records: their scope, limits and ends.
 * @module
 */

import type { Clock, Timer } from "../runtime/runtime.ts";
import type { Drain } from "./drain/drain.ts";

/**
 * Scope of a wait or a count: the own log; also this sender's orphaned segments; or all segments.
 */
export type Scope = "own" | "held" | "all";

/** Result of a wait for delivery. */
export type WaitEnd = "done" | "timeout" | "aborted";

/** Limits of a wait. */
export interface WaitLimits {
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether ends that wait for starts in other logs are not waited for: a read must not take as
   * long as these.
   */
  readonly isForRead?: boolean;
}

/** Returns whether a drain has passed `end`, and its segment goes on. */
export function isPassed(drain: Drain, end: number, isForRead: boolean): boolean {
  if (!isForRead) return drain.reached >= end && !drain.segment.isSealed();
  return drain.isHolding || (drain.sent >= end && !drain.segment.isSealed());
}

/** Creates a timer whose only purpose is to keep the program alive while there are waiters. */
export function keepAlive(clock: Clock): Timer {
  let timer: Timer;
  const again = (): void => {
    timer = clock.after(60_000, again, { ref: true });
  };
  again();
  return { cancel: () => timer.cancel() };
}
