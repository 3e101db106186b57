/**
 * Timers whose callbacks are not traced.
 *
 * If file operations are instrumented, delivering a span would create new spans, which are
 * delivered in turn, and so on.
 *
 * @module
 */

import { withoutTelemetry } from "../client/server/outside.ts";
import type { Clock, Runtime } from "../runtime/runtime.ts";

/** Returns a runtime whose timers run callbacks without telemetry. */
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
