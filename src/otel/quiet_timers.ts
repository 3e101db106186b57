/**
 * Timers whose work stays out of traces.
 *
 * With instrumented file operations, the delivery of a span would make new spans, which are delivered,
 * and so on.
 *
 * @module
 */

import { withoutTelemetry } from "../client/server/outside.ts";
import type { Clock, Runtime } from "../runtime/runtime.ts";

/** A runtime that runs what is due later without telemetry. */
export function withQuietTimers(runtime: Runtime): Runtime {
  const { clock } = runtime;
  const quiet: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, run, options) => clock.after(ms, () => withoutTelemetry(run), options),
    ...clock.soon ? { soon: (run) => clock.soon!(() => withoutTelemetry(run)) } : {},
  };
  const { name, files, process, network } = runtime;
  return { name, files, process, clock: quiet, ...network ? { network } : {} };
}
