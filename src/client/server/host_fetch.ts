/**
 * The runtime's `fetch` for the package's own requests, hidden from ops, instrumentation and async
 * contexts of the program.
 *
 * @module
 */

import { detectRuntime } from "../../runtime/detect.ts";
import { requestHolds } from "../../runtime/network/hold_tracker.ts";
import type { Fetch, OwnFetch, Runtime } from "../../runtime/runtime.ts";
import { unreachable } from "../settings/permissions.ts";
import { withGaps } from "./hold_gaps.ts";
import { nativeFetch } from "./native_fetch.ts";
import { runOutside } from "./outside.ts";
import { usableProxyFor } from "./proxy.ts";

/** Connection timeout in ms for requests that the program waits for, as in Node itself. */
const CONNECT_MS = 10_000;
/** Minimum ms for a background request, however short the limit for the program's end. */
const MIN_HOLD_MS = 500;

/**
 * Sends a request that the program waits for.
 *
 * @throws {WeaveWalError} `ERR_REQUEST_FAILED` if the runtime does not permit access to the server.
 */
export const hostFetch: OwnFetch = (url, init) => foreground(detectRuntime())(url, init);

// Captured on load, also for entry points that load this module without `init`.
const native = nativeFetch();

let made: { readonly runtime: Runtime; readonly fetch: OwnFetch } | undefined;

function foreground(runtime: Runtime): OwnFetch {
  if (made?.runtime !== runtime) {
    const options = { connectMs: CONNECT_MS, proxyFor: proxiesOf(runtime) };
    const direct = runtime.network?.fetch?.(native, native, options) ?? native;
    made = { runtime, fetch: own(runtime, direct, native) };
  }
  return made.fetch;
}

/**
 * Returns a `fetch` for background requests: between them, the program can end.
 *
 * @param holdMs Ms for which connecting may keep the program alive.
 * @param given A `fetch` passed by the program; default: the runtime's.
 */
export function backgroundFetch(runtime: Runtime, holdMs: number, given?: Fetch): OwnFetch {
  const connectMs = Math.max(holdMs, MIN_HOLD_MS);
  const { clock, network } = runtime;
  const tracking = { clock, holds: requestHolds };
  if (given !== undefined) return invisible(withGaps({ ...tracking, fetch: given }));
  const paced = withGaps({ ...tracking, fetch: native });
  const options = { connectMs, proxyFor: proxiesOf(runtime) };
  const direct = network?.backgroundFetch?.(native, paced, options) ?? paced;
  return own(runtime, direct, paced);
}

/**
 * Combines the package's own connections with the runtime's `fetch`, which handles requests that
 * these cannot.
 */
function own(runtime: Runtime, direct: OwnFetch, native: Fetch): OwnFetch {
  return granted(
    runtime,
    invisible((url, init) => needsNative(runtime, url) ? native(url, init) : direct(url, init)),
  );
}

function proxiesOf({ process }: Runtime): (url: string) => string | null {
  return (url) => usableProxyFor(url, process.env);
}

/** Returns whether only Deno's `fetch` can use the proxy for `url`: connections to it are not allowed. */
function needsNative(runtime: Runtime, url: string): boolean {
  const proxy = usableProxyFor(url, runtime.process.env);
  return proxy !== null && unreachable(runtime, proxy) !== null;
}

/** Returns `fetch`, called outside of everything with which the program might observe it. */
export function invisible<F extends OwnFetch>(fetch: F): F;
export function invisible(fetch: OwnFetch): OwnFetch {
  return (url, init) => runOutside(() => fetch(url, init));
}

/**
 * Returns `fetch`, called only if the runtime permits access to the server: Deno would stop at a
 * prompt.
 */
function granted<F extends OwnFetch>(runtime: Runtime, fetch: F): F;
function granted(runtime: Runtime, fetch: OwnFetch): OwnFetch {
  return (url, init) => {
    const refused = unreachable(runtime, url);
    return refused === null ? fetch(url, init) : Promise.reject(refused);
  };
}
