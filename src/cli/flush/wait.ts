/**
 * Waits until the pending records are sent.
 *
 * @module
 */

import type { Settings } from "../../client/settings/settings.ts";
import { type Context, pause } from "../context.ts";
import type { FlushTargets, Remaining } from "./targets.ts";
import type { ProjectFilter } from "../logs/projects.ts";

/** Dependencies of a flush. */
export interface FlushJob {
  readonly context: Context;
  readonly settings: Settings;
  readonly filter: ProjectFilter;
  /** Token of this command's sender. */
  readonly token: string;
  readonly newId: () => string;
  readonly json: boolean;
}

/**
 * Why waiting longer is pointless.
 *
 * - `refused`: the server rejects what is sent.
 * - `unresponsive`: the processes that may send what is left do not respond.
 * - `unwritable`: the disk does not let this command change the log.
 */
export type Obstacle = "refused" | "unresponsive" | "unwritable";

/** Why a wait ended. */
export type WaitEnd = "done" | "timeout" | "stopped" | Obstacle;

/** Limits of a wait. */
export interface WaitLimits {
  readonly timeoutMs: number | undefined;
  /** Aborts the wait. */
  readonly stop?: AbortSignal;
  /** Returns why waiting longer is pointless; `null` if it is not. Called after `onLook`. */
  readonly obstacle: () => Obstacle | null;
  /** Called with the result of every check. */
  readonly onLook: (remaining: Remaining) => void | Promise<void>;
}

const LOOK_MS = 100;
/** Checking thousands of files takes a while: at most 1/5 of the time is spent on it. */
const SHARE = 5;

/** Checks repeatedly until nothing is left of `targets`, or until a limit is reached. */
export async function waitForTargets(
  { runtime: { clock } }: Context,
  targets: FlushTargets,
  { timeoutMs, stop, obstacle, onLook }: WaitLimits,
): Promise<WaitEnd> {
  const begun = clock.monotonic();
  for (;;) {
    const before = clock.monotonic();
    const remaining = await targets.look();
    await onLook(remaining);
    const now = clock.monotonic();
    if (remaining.files === 0) return "done";
    if (stop?.aborted) return "stopped";
    const end = obstacle();
    if (end !== null) return end;
    const left = timeoutMs === undefined ? Infinity : timeoutMs - (now - begun);
    if (left <= 0) return "timeout";
    await pause(clock, Math.min(left, Math.max(LOOK_MS, (now - before) * SHARE)), stop);
  }
}
