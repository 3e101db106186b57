/**
 * Listeners for signals that ask a program to end.
 *
 * @module
 */

import { hostTime } from "../host_time.ts";

/** The runtime's signal functions. */
export interface SignalEvents {
  /**
   * Adds a listener; the signal then no longer ends the program. Returns a function that removes
   * it.
   */
  listen(signal: string, fired: () => void): () => void;
  /** Number of listeners for the signal, including those of other code. */
  listeners(signal: string): number;
  /** Sends the signal to this process again. */
  raise(signal: string): void;
}

/** The signals: `kill` and container runtimes send the first, a terminal the second. */
const SIGNALS = ["SIGTERM", "SIGINT"];
/** About twelve days; timers allow up to 2^31 ms. */
const HOLD_INTERVAL_MS = 2 ** 30;

/**
 * Adds listeners for signals; each call returns a function that removes the listener.
 *
 * The first signal runs all listeners. If no other code listens, the signal is then sent again with
 * its default action, so that the exit status is that of the signal; a program with its own
 * listener decides when to end. A second signal does not wait for the listeners of the first.
 *
 * @param last Runs before the signal is sent again.
 */
export function signalHooks(
  events: SignalEvents,
  last: () => void,
): (listener: () => Promise<void>) => () => void {
  const time = hostTime();
  const listeners = new Set<() => Promise<void>>();
  const stops = new Map<string, () => void>();
  let running = false;

  function stop(): void {
    for (const end of stops.values()) end();
    stops.clear();
  }

  function handOn(signal: string): void {
    stop();
    last();
    events.raise(signal);
  }

  function fired(signal: string): void {
    const isOurs = events.listeners(signal) <= 1;
    if (running) {
      if (isOurs) handOn(signal);
      return;
    }
    running = true;
    // A pending promise does not keep a program alive; a timer does.
    const hold = time.setInterval(() => {}, HOLD_INTERVAL_MS);
    const runs = [...listeners].map(async (listener) => await listener());
    void Promise.allSettled(runs).then(() => {
      time.clearInterval(hold);
      running = false;
      if (isOurs && stops.has(signal)) handOn(signal);
    });
  }

  return (listener) => {
    const own = () => listener();
    listeners.add(own);
    for (const signal of stops.size === 0 ? SIGNALS : []) {
      stops.set(signal, events.listen(signal, () => fired(signal)));
    }
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && !running) stop();
    };
  };
}
