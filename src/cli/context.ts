/**
 * Dependencies and settings of all commands.
 *
 * @module
 */

import { untrustedMessage } from "../client/log_on.ts";
import { escapeControls } from "../protocol/escape_controls.ts";
import { distrustReason } from "../runtime/directory_trust.ts";
import { withGuardedLinks } from "../runtime/link_guard.ts";
import type { Clock, Runtime } from "../runtime/runtime.ts";
import { createIds } from "../protocol/ids.ts";
import { EXIT } from "./exit_codes.ts";
import type { EndSignal, Terminal } from "./terminal/terminal.ts";

/** The environment of a command. */
export interface Context {
  readonly runtime: Runtime;
  readonly terminal: Terminal;
  /** Aborted when the user or the system asks the command to end. */
  readonly stop: AbortSignal;
}

/**
 * Returns the same environment with a file system that does not pass through symbolic links below
 * the roots. Warns if other users can change one of the roots.
 */
export async function guardedContext(
  context: Context,
  ...roots: (string | undefined)[]
): Promise<Context> {
  const { terminal: { err } } = context;
  let { runtime } = context;
  for (const root of roots) {
    if (root === undefined) continue;
    const reason = distrustReason(runtime, root);
    if (reason !== null) {
      await err.write(`${err.colors.yellow(escapeControls(untrustedMessage(root, reason)))}\n`);
    }
    runtime = withGuardedLinks(runtime, root);
  }
  return { ...context, runtime };
}

/** Thrown when a command stops because it was asked to end. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  /** Exit code for the signal. */
  readonly exitCode: number;

  /** @param signal The signal received. */
  constructor(signal: EndSignal) {
    super(`Ended by ${signal}`);
    this.exitCode = signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
  }
}

/** Throws {@linkcode Interrupted} if the command was asked to end. */
export function throwIfStopped(stop: AbortSignal): void {
  if (stop.aborted) throw new Interrupted(stop.reason as EndSignal);
}

/** Waits for `ms`, or until `stop` is aborted. Keeps the program alive. */
export function pause(clock: Clock, ms: number, stop?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop?.aborted) return resolve();
    const done = (): void => {
      timer.cancel();
      stop?.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.after(ms, done, { ref: true });
    stop?.addEventListener("abort", done);
  });
}

/** Creates a source of IDs of 32 hex digits, for tokens and requests. */
export function commandIds({ clock }: Runtime): () => string {
  return createIds({
    now: () => clock.now(),
    randomBytes: (into) => crypto.getRandomValues(into),
  }).uuidHex;
}
