/**
 * Listeners for the end of the program, based on the runtime's two exit events.
 *
 * @module
 */

import { hostTime } from "../host_time.ts";
import { type SignalEvents, signalHooks } from "./signal_hooks.ts";
import { requestHolds } from "../network/hold_tracker.ts";

/** Adds listeners for the end of the program; each method returns the function that removes it. */
export interface ExitHooks {
  /** Called when the program has nothing left to do; it stays alive until the promise settles. */
  onBeforeExit(listener: () => Promise<void>): () => void;
  /** Called synchronously at the end of any orderly exit. */
  onExit(listener: () => void): () => void;
  /** Called for signals that ask the program to end; it stays alive until the promise settles. */
  onSignal(listener: () => Promise<void>): () => void;
}

/** The runtime's two exit events. */
export interface ExitEvents {
  /** Calls `fired` each time the program has nothing left to do; a timer then keeps it alive. */
  beforeExit(fired: () => void): void;
  /** Calls `fired` when the process exits. */
  exit(fired: () => void): void;
  readonly signals: SignalEvents;
}

/** About twelve days; timers allow up to 2^31 ms. */
const HOLD_INTERVAL_MS = 2 ** 30;

/**
 * Creates exit hooks from the runtime's events.
 *
 * A listener for the normal exit runs once per process: the runtime fires the event again after the
 * listener's work, which would never end. It runs after the program's own listeners for the same
 * event, so that whatever they record is saved too. Errors of listeners are ignored, because the
 * exit code belongs to the program.
 */
export function exitHooks(events: ExitEvents): ExitHooks {
  const time = hostTime();
  const natural = new Set<() => Promise<void>>();
  const last = new Set<() => void>();
  let listensBefore = false;
  let listensExit = false;

  function beforeExit(): void {
    requestHolds.exiting(time.performanceNow());
    const waiting = [...natural];
    natural.clear();
    if (waiting.length === 0) return;
    // A pending promise does not keep a program alive; a timer does.
    const hold = time.setInterval(() => {}, HOLD_INTERVAL_MS);
    time.setTimeout(() => {
      const runs = waiting.map(async (listener) => await listener());
      Promise.allSettled(runs).then(() => time.clearInterval(hold));
    });
  }

  function exit(): void {
    for (const listener of last) {
      try {
        listener();
      } catch {
        // The exit code belongs to the program.
      }
    }
    last.clear();
  }

  return {
    onBeforeExit: (listener) => {
      const own = () => listener();
      natural.add(own);
      if (!listensBefore) events.beforeExit(beforeExit);
      listensBefore = true;
      return () => void natural.delete(own);
    },
    onExit: (listener) => {
      const own = () => listener();
      last.add(own);
      if (!listensExit) events.exit(exit);
      listensExit = true;
      return () => void last.delete(own);
    },
    onSignal: signalHooks(events.signals, exit),
  };
}
