/**
 * Delay before the next attempt.
 * @module
 */

/** Upper bound of the first backoff, in ms. */
export const BACKOFF_BASE_MS = 1_000;
/** Maximum `Retry-After` that is honored, in ms. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * Returns an exponential backoff with full jitter: between 0 and `min(max, 1 s · 2^failures)`.
 * @param failures Number of earlier failures.
 * @param maxMs Upper bound in ms.
 * @param random Random number in [0, 1).
 * @returns Ms to wait.
 */
export function backoff(failures: number, maxMs: number, random: () => number): number {
  return random() * Math.min(maxMs, BACKOFF_BASE_MS * 2 ** Math.min(failures, 30));
}

/** Upper bound of the delay between health checks while the server is down, in ms. */
export const CHECK_MS = 30_000;

/**
 * Returns the ms until the next health check, with jitter, so that clients do not return all at
 * once.
 * @param random Random number in [0, 1).
 */
export function checkDelay(random: () => number): number {
  return CHECK_MS / 2 * (1 + random());
}

/**
 * Parses a `Retry-After` header (RFC 9110, 10.2.3): seconds or a date.
 * @param now Epoch ms, to convert a date.
 * @returns Ms to wait, at most one hour; `undefined` if the header is absent or invalid.
 */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  if (Number.isNaN(ms)) return undefined;
  return Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
