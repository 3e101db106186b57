/**
 * Many listeners on one abort signal.
 *
 * @module
 */

const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` once when `signal` is aborted. However many listeners there are, the signal has one:
 * Node warns of more than ten, as of a leak.
 *
 * @returns The function that removes the listener.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  let all = listeners.get(signal);
  if (all === undefined) {
    const created = all = new Set<() => void>();
    listeners.set(signal, created);
    signal.addEventListener("abort", () => {
      const called = [...created];
      created.clear();
      for (const call of called) call();
    }, { once: true });
  }
  all.add(listener);
  return () => void all.delete(listener);
}
