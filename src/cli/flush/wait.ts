/**
 * Waits until what was pending in the logs is sent.
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
  /** The token of the sender of this command. */
  readonly token: string;
  readonly newId: () => string;
  readonly json: boolean;
}

/** Why a wait ended. */
export type WaitEnd = "done" | "timeout" | "refused" | "stopped";

/** Limits of a wait. */
export interface WaitLimits {
  readonly timeoutMs: number | undefined;
  /** Ends the wait. */
  readonly stop?: AbortSignal;
  /** Whether waiting longer makes no sense. */
  readonly isRefused: () => boolean;
  /** Called with what every look found. */
  readonly onLook: (remaining: Remaining) => void | Promise<void>;
}

const LOOK_MS = 100;
/** A look at thousands of files takes a while: most of the time belongs to the sending. */
const SHARE = 5;

/** Looks again and again until nothing of `targets` is left, or until a limit is met. */
export async function waitForTargets(
  { runtime: { clock } }: Context,
  targets: FlushTargets,
  { timeoutMs, stop, isRefused, onLook }: WaitLimits,
): Promise<WaitEnd> {
  const begun = clock.monotonic();
  for (;;) {
    const before = clock.monotonic();
    const remaining = await targets.look();
    await onLook(remaining);
    const now = clock.monotonic();
    if (remaining.files === 0) return "done";
    if (stop?.aborted) return "stopped";
    if (isRefused()) return "refused";
    const left = timeoutMs === undefined ? Infinity : timeoutMs - (now - begun);
    if (left <= 0) return "timeout";
    await pause(clock, Math.min(left, Math.max(LOOK_MS, (now - before) * SHARE)), stop);
  }
}
