/**
 * Allows many listeners on one abort signal.
 * @module
 */

const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` once when `signal` is aborted. All listeners share one listener on the signal,
 * because Node warns of a leak at more than ten.
 * @returns A function that removes the listener.
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
