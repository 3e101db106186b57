/**
 * The host's `fetch`.
 *
 * @module
 */

/** Calls the host's `fetch` as it is at the time: some programs put another in its place. */
export const hostFetch: typeof fetch =
  ((input: RequestInfo | URL, init?: RequestInit) => globalThis.fetch(input, init)) as typeof fetch;
