/**
 * The runtime's own `fetch`, captured before the program can wrap it.
 *
 * @module
 */

import { shared } from "../../runtime/process/shared_state.ts";
import type { Fetch } from "../../runtime/runtime.ts";

/**
 * Properties in which wrappers of `fetch` store the original: ops, OpenTelemetry, Sentry, Next.js.
 */
const WRAPPED = ["__wrappedFunction", "__original", "__sentry_original__", "_nextOriginalFetch"];
/** Maximum number of nested wrappers to unwrap. */
const MAX_WRAPPERS = 10;

/**
 * Returns the runtime's `fetch` as of the first call in this process. Call it when the package is
 * loaded: programs may wrap the global one later, and those wrappers must not see the package's own
 * requests.
 */
export function nativeFetch(): Fetch {
  return shared("host-fetch", () => unwrapped(globalThis.fetch));
}

/** Removes known wrappers from a `fetch` function. */
function unwrapped(fetch: unknown): Fetch {
  let inner = fetch;
  for (let i = 0; i < MAX_WRAPPERS && typeof inner === "function"; i++) {
    const wrapper = inner as unknown as Record<string, unknown>;
    const next = WRAPPED.map((name) => wrapper[name]).find((value) => typeof value === "function");
    if (next === undefined) break;
    inner = next;
  }
  if (typeof inner === "function") return inner as Fetch;
  return () => Promise.reject(new TypeError("This host has no fetch"));
}
