/**
 * Keys that `login` was given in this process.
 *
 * @module
 */

const keys = new Map<string, string>();

/** Remembers the key of a W&B host until the process ends. */
export function setSessionKey(host: string, key: string): void {
  keys.set(host, key);
}

/** The key that `login` was given for a W&B host. */
export function sessionKey(host: string): string | undefined {
  return keys.get(host);
}
