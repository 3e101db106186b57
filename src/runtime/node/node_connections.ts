/**
 * Requests on Node whose connections can be aborted, and that do not keep the program alive.
 *
 * Node's `fetch` continues connecting for up to ten seconds after its request was aborted, its
 * sockets keep the program alive during a request, and its HTTP parser, which is WebAssembly, is
 * compiled before a program can end. Requests therefore use `node:http`.
 *
 * If the program has set a dispatcher (a proxy, a mock), it handles all requests.
 *
 * @module
 */

import { httpFetch } from "../network/http_fetch.ts";
import type { ConnectionOptions, Fetch, OwnFetch } from "../runtime.ts";
import { resolveName } from "./name_servers.ts";

/** Global key of the dispatcher of undici, on which Node's `fetch` is based. */
const GLOBAL_DISPATCHER = Symbol.for("undici.globalDispatcher.1");
/** The key in later versions. */
const LATER_DISPATCHER = Symbol.for("undici.globalDispatcher.2");
/** Part of the source of Node's `fetch`. */
const NODE_FETCH = "internal/deps/undici";

/**
 * Returns a `fetch` over `node:http`.
 *
 * @param background Whether the program may end during a request.
 * @param native Node's `fetch`; any other is left unchanged.
 * @param fallback Handles requests if the program has set a dispatcher.
 */
export function nodeFetch(
  background: boolean,
  native: Fetch,
  fallback: Fetch,
  options: ConnectionOptions,
): OwnFetch {
  if (!isNodes(native)) return fallback;
  const direct = httpFetch({ ...options, background, fallback, resolve: resolveName });
  return (url, init) => hasOwnDispatcher() ? fallback(url, init) : direct(url, init);
}

function isNodes(native: Fetch): boolean {
  return Function.prototype.toString.call(native).includes(NODE_FETCH);
}

interface Dispatchers {
  readonly [GLOBAL_DISPATCHER]?: object;
  readonly [LATER_DISPATCHER]?: object;
}

/** Returns whether the program has set a dispatcher. Node creates its own at the first request. */
function hasOwnDispatcher(): boolean {
  const { [GLOBAL_DISPATCHER]: current, [LATER_DISPATCHER]: later } = globalThis as Dispatchers;
  return [current, later].some((dispatcher) => dispatcher !== undefined && !isStock(dispatcher));
}

/** Returns whether a dispatcher is a plain `Agent` without options. */
function isStock(dispatcher: object): boolean {
  if (dispatcher.constructor.name !== "Agent") return false;
  const symbol = Object.getOwnPropertySymbols(dispatcher)
    .find(({ description }) => description === "options");
  const options = symbol && (dispatcher as Record<symbol, unknown>)[symbol];
  return typeof options === "object" && options !== null &&
    Object.values(options).every((value) => value === undefined);
}
