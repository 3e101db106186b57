/**
 * Leaves the program's async contexts, for requests that are not part of the program's work.
 *
 * @module
 */

import { AsyncResource } from "node:async_hooks";
import { shared } from "../../runtime/process/shared_state.ts";
import { shareTurns } from "../../runtime/event_loop.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { runUntraced } from "../calls/call_stack.ts";
import { asOwnCode } from "../calls/own_code.ts";

/** Properties in which runtimes store the async context. */
const CONTEXT_SYMBOL = /^(?:kResourceStore|context_?frame)$/i;

/** Created by the first copy of the package that is loaded, when there is usually no context. */
const outside = (): AsyncResource => shared("outside", emptyContext);
/** A second resource: Node stores the context in its resource while code runs in it. */
const loaded = (): AsyncResource => shared("outside-loaded", emptyContext);

/** Keeps the async context in which the package is loaded; call it then. */
export function keepLoadContext(): void {
  outside();
  loaded();
}

function emptyContext(): AsyncResource {
  const made = new AsyncResource("weave-wal") as AsyncResource & Record<symbol, unknown>;
  // If loaded inside a context (a lazy import in a request handler), Node would keep it.
  for (const symbol of Object.getOwnPropertySymbols(made)) {
    if (CONTEXT_SYMBOL.test(symbol.description ?? "")) made[symbol] = undefined;
  }
  return made;
}

/**
 * Calls `fn` outside of the program's async contexts. Ops in it are plain function calls, and
 * OpenTelemetry creates no spans.
 */
export function runOutside<R>(fn: () => R): R {
  return outside().runInAsyncScope(() => runUntraced(() => withoutTelemetry(fn)));
}

/**
 * Calls `fn` in the context in which the package was loaded. For listeners that share a handle with
 * those of the program: all of them run in the context of the first one.
 */
export function runAsLoaded<R>(fn: () => R): R {
  return loaded().runInAsyncScope(fn);
}

/** Returns a clock whose timers run outside of the program's async contexts. */
export function outsideClock(clock: Clock): Clock {
  const outsideTimers: Clock = {
    now: () => asOwnCode(() => clock.now()),
    monotonic: () => asOwnCode(() => clock.monotonic()),
    after(ms, run, options) {
      const timer = runOutside(() => clock.after(ms, run, options));
      return { cancel: () => asOwnCode(() => timer.cancel()) };
    },
    ...(clock.soon && { soon: (run: () => void) => runOutside(() => clock.soon!(run)) }),
  };
  shareTurns(outsideTimers, clock);
  return outsideTimers;
}

/** Global key under which `@opentelemetry/api` 1.x registers itself. */
const TELEMETRY = Symbol.for("opentelemetry.js.api.1");
/** Key with which `@opentelemetry/core` suppresses tracing. */
const SUPPRESS_TRACING = Symbol.for("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

interface TelemetryContext {
  setValue(key: symbol, value: unknown): TelemetryContext;
}
interface ContextManager {
  active(): TelemetryContext;
  with<R>(context: TelemetryContext, fn: () => R): R;
}

/** Calls `fn`; OpenTelemetry creates no spans for it and for code that it triggers. */
export function withoutTelemetry<R>(fn: () => R): R {
  const api = (globalThis as { [TELEMETRY]?: { context?: ContextManager } })[TELEMETRY];
  const manager = api?.context;
  if (manager === undefined) return fn();
  let context: TelemetryContext;
  try {
    context = manager.active().setValue(SUPPRESS_TRACING, true);
  } catch {
    return fn();
  }
  return manager.with(context, fn);
}
