/**
 * Queries to name servers on Node and Bun.
 *
 * @module
 */

import { builtin } from "../builtin_modules.ts";
import type { Address } from "../network/connections.ts";
import { type Answer, resolveWith } from "./resolve_name.ts";

/** Timeout in ms of the first query, and number of queries; `signal` can end them earlier. */
const QUERY_MS = 1_000, QUERIES = 3;

/**
 * Returns the addresses of a host; `null` if the operating system must be asked.
 *
 * @throws {Error} If the name does not exist or no name server responds, or `signal` aborts.
 */
export async function resolveName(
  hostname: string,
  _port: number,
  signal: AbortSignal,
): Promise<readonly Address[] | null> {
  const resolver = new (builtin("node:dns").Resolver)({ timeout: QUERY_MS, tries: QUERIES });
  const ask = (name: string, family: 4 | 6): Promise<Answer> =>
    new Promise((resolve) => {
      const answered = (error: { code?: string } | null, addresses: string[]): void => {
        if (error) resolve({ addresses: [], code: error.code ?? "" });
        else resolve({ addresses: addresses.map((address) => ({ address, family })) });
      };
      if (family === 4) resolver.resolve4(name, answered);
      else resolver.resolve6(name, answered);
    });
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel);
  try {
    signal.throwIfAborted();
    return await resolveWith(ask, hostname, signal);
  } finally {
    signal.removeEventListener("abort", cancel);
    // A query for IPv6 addresses may no longer be needed.
    cancel();
  }
}
