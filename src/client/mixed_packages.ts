/**
 * Programs that use this package together with the official `weave` package.
 *
 * Each package records only the calls of its own ops. If one uses an op of the other, the op is
 * recorded in another trace, or not at all; `register` and `durable` join the call stacks of both.
 *
 * @module
 */

import { shared } from "../runtime/process/shared_state.ts";
import { standardError } from "../runtime/standard_error.ts";
import { globalRecorder } from "./global_client.ts";

const state = shared("mixed-packages", () => ({
  /** Whether the call stacks of both packages are joined. */
  joined: false,
  /**
   * Whether this package has ops. Joining the call stacks adds a cost to every call of the other
   * package.
   */
  ownOps: false,
  reported: false,
}));

const WAY_OUT = "To have one trace, load @weave-wal/client/register before the program and set " +
  "WEAVE_ENABLE_WAL=true, or import everything from one package";

/** Notes that the call stacks of both packages are joined. */
export function notePackagesJoined(): void {
  state.joined = true;
}

/** Notes that an op of this package was created. */
export function noteOwnOp(): void {
  state.ownOps = true;
}

/** Returns whether an op of this package was made. */
export function hasOwnOps(): boolean {
  return state.ownOps;
}

/**
 * Warns once per process that the official package uses an op of this one, unless their call stacks
 * are joined.
 */
export function reportOwnOp(name: string): void {
  report(
    `The official weave package uses op ${
      JSON.stringify(name)
    } of @weave-wal/client, whose calls ` +
      `are not part of its traces. ${WAY_OUT}`,
  );
}

/**
 * Warns once per process that this package uses an op of the official one, unless their call stacks
 * are joined.
 */
export function reportOfficialOp(name: string): void {
  report(
    `An evaluation of @weave-wal/client uses op ${JSON.stringify(name)} of the official weave ` +
      `package, whose calls are not part of its trace. ${WAY_OUT}`,
  );
}

function report(message: string): void {
  if (state.joined || state.reported) return;
  state.reported = true;
  const recorder = globalRecorder();
  if (recorder) recorder.warn("mixed-packages", message);
  else standardError.warn(`weave-wal: ${message}`);
}
