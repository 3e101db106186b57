/**
 * API keys that were passed to `login` in this process.
 *
 * @module
 */

const keys = new Map<string, string>();

/** Stores the key of a W&B host until the process ends. */
export function setSessionKey(host: string, key: string): void {
  keys.set(host, key);
}

/** Returns the key that was passed to `login` for a W&B host. */
export function sessionKey(host: string): string | undefined {
  return keys.get(host);
}
