/**
 * Listeners for the signals that ask a program to end.
 *
 * @module
 */

/** Signal functions of a host. */
export interface SignalEvents {
  /** Listens; the program then no longer ends by the signal. Returns the function that stops it. */
  listen(signal: string, fired: () => void): () => void;
  /** Number of listeners of the signal, including those of others. */
  listeners(signal: string): number;
  /** Sends the signal to this process again. */
  raise(signal: string): void;
}

/** The signals: `kill` and container hosts send the first, a terminal the second. */
const SIGNALS = ["SIGTERM", "SIGINT"];
/** Twelve days; timers take up to 2^31 ms. */
const HOLD_INTERVAL_MS = 2 ** 30;

/**
 * Adds listeners over the host's signals; the result of each call removes the listener.
 *
 * The first signal runs all listeners. Then it is handed on: where nobody else listens, it is sent
 * again with its default effect, so that the exit status is that of the signal. A program that
 * listens itself decides when to end. A second signal does not wait for the listeners of the first.
 *
 * @param last Runs before the signal is sent again.
 */
export function signalHooks(
  events: SignalEvents,
  last: () => void,
): (listener: () => Promise<void>) => () => void {
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
    // A pending promise does not hold a program; a timer does.
    const hold = setInterval(() => {}, HOLD_INTERVAL_MS);
    const runs = [...listeners].map(async (listener) => await listener());
    void Promise.allSettled(runs).then(() => {
      clearInterval(hold);
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
