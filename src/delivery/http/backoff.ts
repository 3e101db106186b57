/**
 * The pause before the next attempt.
 *
 * @module
 */

/** Ms of the first backoff's upper end. */
export const BACKOFF_BASE_MS = 1_000;
/** Most ms that a server's `Retry-After` is honored for. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * Exponential backoff with full jitter: anywhere between 0 and `min(max, 1 s · 2^failures)`.
 *
 * @param failures Failures before this one.
 * @param maxMs Upper end in ms.
 * @param random Random number in [0, 1).
 * @returns Ms to wait.
 */
export function backoff(failures: number, maxMs: number, random: () => number): number {
  return random() * Math.min(maxMs, BACKOFF_BASE_MS * 2 ** Math.min(failures, 30));
}

/** Ms between two health checks of a server that is down: the upper end. */
export const CHECK_MS = 30_000;

/**
 * Ms until the next health check: with jitter, so that many clients do not come back at once.
 *
 * @param random Random number in [0, 1).
 */
export function checkDelay(random: () => number): number {
  return CHECK_MS / 2 * (1 + random());
}

/**
 * Reads a `Retry-After` header (RFC 9110, 10.2.3): seconds or a date.
 *
 * @param now Epoch ms, to measure a date against.
 * @returns Ms to wait, at most one hour; `undefined` when the header is absent or makes no sense.
 */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  if (Number.isNaN(ms)) return undefined;
  return Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
