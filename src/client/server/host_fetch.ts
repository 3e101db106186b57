/**
 * The host's `fetch` for the package's own requests: no op, no instrumentation and no async context
 * of the program sees them.
 *
 * @module
 */

import { detectRuntime } from "../../runtime/detect.ts";
import { requestHolds } from "../../runtime/network/hold_tracker.ts";
import type { Fetch, OwnFetch, Runtime } from "../../runtime/runtime.ts";
import { unreachable } from "../settings/grants.ts";
import { withGaps } from "./hold_gaps.ts";
import { nativeFetch } from "./native_fetch.ts";
import { runOutside } from "./outside.ts";
import { proxyFor } from "./proxy.ts";

/** Ms after which a request that the program waits for gives up connecting, as in Node itself. */
const CONNECT_MS = 10_000;
/** Least ms that a request in the background gets, however short a program's end may take. */
const MIN_HOLD_MS = 500;

/**
 * Sends a request that the program waits for.
 *
 * @throws {WeaveWalError} `ERR_REQUEST_FAILED` where the host does not grant the server.
 */
export const hostFetch: Fetch = (url, init) => foreground(detectRuntime())(url, init);

// Also captured by entries that load this module without `init`.
const native = nativeFetch();

let made: { readonly runtime: Runtime; readonly fetch: Fetch } | undefined;

function foreground(runtime: Runtime): Fetch {
  if (made?.runtime !== runtime) {
    const options = { connectMs: CONNECT_MS };
    const fetch = runtime.network?.fetch?.(native, native, options) ?? native;
    made = { runtime, fetch: granted(runtime, invisible(fetch)) };
  }
  return made.fetch;
}

/**
 * A `fetch` for requests that nobody waits for: however many follow one another, the program can
 * end between them.
 *
 * @param holdMs Ms for which making a connection may keep the program alive.
 * @param given A `fetch` that the program gave; the host's unless given.
 */
export function backgroundFetch(runtime: Runtime, holdMs: number, given?: Fetch): OwnFetch {
  const connectMs = Math.max(holdMs, MIN_HOLD_MS);
  const { clock, network } = runtime;
  const tracking = { clock, holds: requestHolds };
  if (given !== undefined) return invisible(withGaps({ ...tracking, fetch: given }));
  const paced = withGaps({ ...tracking, fetch: native });
  const direct = network?.backgroundFetch?.(native, paced, { connectMs }) ?? paced;
  if (runtime.name === "node") return granted(runtime, invisible(direct));
  // Only the host's own `fetch` goes through the proxy that the environment names.
  const isProxied = (url: string) => proxyFor(url, runtime.process.env) !== null;
  return granted(
    runtime,
    invisible((url, init) => isProxied(url) ? paced(url, init) : direct(url, init)),
  );
}

/** `fetch`, called outside of all that the program might see it by. */
export function invisible<F extends OwnFetch>(fetch: F): F;
export function invisible(fetch: OwnFetch): OwnFetch {
  return (url, init) => runOutside(() => fetch(url, init));
}

/** `fetch`, called only where the host grants the server: Deno would stop at a prompt. */
function granted<F extends OwnFetch>(runtime: Runtime, fetch: F): F;
function granted(runtime: Runtime, fetch: OwnFetch): OwnFetch {
  return (url, init) => {
    const refused = unreachable(runtime, url);
    return refused === null ? fetch(url, init) : Promise.reject(refused);
  };
}
