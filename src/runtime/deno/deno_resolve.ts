/**
 * Name lookups on Deno that can be aborted.
 *
 * @module
 */

import type { Resolve } from "../network/connections.ts";
import { type Answer, type Ask, resolveWith } from "../node/resolve_name.ts";
import type { DenoSlice } from "./deno_types.ts";

/** Permissions for queries to name servers and for the configuration of the resolver. */
const NEEDED = ["net", "read", "env", "sys"] as const;

/**
 * Returns lookups that need no further permissions. Where the operating system must be asked, or
 * without access to the name servers, they connect to the host first, which can be aborted, unlike
 * the lookup that follows.
 */
export function denoResolve(deno: DenoSlice): Resolve {
  const ask: Ask = async (name, family, signal): Promise<Answer> => {
    try {
      // Search domains are already part of the name.
      const absolute = `${name.replace(/\.$/, "")}.`;
      const found = await deno.resolveDns(absolute, family === 4 ? "A" : "AAAA", { signal });
      return { addresses: found.map((address) => ({ address, family })) };
    } catch (error) {
      const { name: kind } = error as { name?: string };
      return { addresses: [], code: kind === "NotFound" ? "ENODATA" : kind ?? "" };
    }
  };
  return async (hostname, port, signal) => {
    const hasAll = NEEDED.every((name) => {
      const { state, partial } = deno.permissions.querySync({ name });
      return state === "granted" && !partial;
    });
    if (hasAll) {
      const done = new AbortController();
      try {
        const either = AbortSignal.any([signal, done.signal]);
        const asked: Ask = (name, family) => ask(name, family, either);
        const found = await resolveWith(asked, hostname, signal);
        if (found !== null) return found;
      } finally {
        // A query for IPv6 addresses may no longer be needed, and keeps the program alive.
        done.abort();
      }
    }
    (await deno.connect({ hostname, port, signal })).close();
    return null;
  };
}
