/**
 * Requests on Node whose connections can be aborted, and that do not keep the program alive.
 *
 * Node's `fetch` continues connecting for up to ten seconds after its request was aborted, and its
 * sockets keep the program alive during a request. A dispatcher with its own connector does
 * neither.
 *
 * Background requests use `node:http` instead: at the first request, Node's `fetch` compiles its
 * HTTP parser, which is WebAssembly, and a program cannot end before that is done.
 *
 * If the program has set a dispatcher (a proxy, a mock), it handles all requests.
 *
 * @module
 */

import { type Connected, Connections, type ConnectTarget } from "../network/connections.ts";
import { httpFetch } from "../network/http_fetch.ts";
import type { ConnectionOptions, Fetch, OwnFetch } from "../runtime.ts";
import { reachByName } from "./name_servers.ts";

/** Global key of the dispatcher of undici, on which Node's `fetch` is based. */
const GLOBAL_DISPATCHER = Symbol.for("undici.globalDispatcher.1");
/** The key in later versions. */
const LATER_DISPATCHER = Symbol.for("undici.globalDispatcher.2");
/** Part of the source of Node's `fetch`. */
const NODE_FETCH = "internal/deps/undici";

type AgentClass = new (options: {
  connect: (target: ConnectTarget, connected: Connected) => void;
}) => object;

/**
 * Returns a `fetch` for background requests.
 *
 * @param native Node's `fetch`; any other is left unchanged.
 * @param fallback Handles requests if the program has set a dispatcher.
 */
export function nodeBackgroundFetch(
  native: Fetch,
  fallback: Fetch,
  options: ConnectionOptions,
): OwnFetch {
  if (!isNodes(native)) return fallback;
  const direct = httpFetch({ ...options, background: true, fallback, reach: reachByName });
  return (url, init) => hasOwnDispatcher() ? fallback(url, init) : direct(url, init);
}

/** Returns Node's `fetch` with our connections; parameters as for `nodeBackgroundFetch`. */
export function nodeFetch(native: Fetch, fallback: Fetch, options: ConnectionOptions): Fetch {
  if (!isNodes(native)) return fallback;
  const connections = new Connections({ ...options, background: false, reach: reachByName });
  let dispatcher: object | undefined;
  return async (url, init = {}) => {
    const agent = await stockAgent(native);
    if (agent === null) return await fallback(url, init);
    const { origin } = new URL(url);
    const end = connections.begin(origin, init.signal);
    try {
      dispatcher ??= new agent({
        connect: (target, connected) => connections.connect(target, connected),
      });
      return await native(url, { ...init, dispatcher } as RequestInit);
    } finally {
      end();
    }
  };
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
  const host = globalThis as Dispatchers;
  const current = host[GLOBAL_DISPATCHER];
  if (current !== undefined && current !== stock) {
    if (stock !== undefined || !isStock(current)) return true;
    stock = current;
  }
  const later = host[LATER_DISPATCHER];
  return later !== undefined && !isStock(later);
}

let stock: object | undefined;

/** Returns the class of Node's own dispatcher; `null` if another one is set. */
async function stockAgent(native: Fetch): Promise<AgentClass | null> {
  const host = globalThis as Dispatchers;
  // Node creates its dispatcher at the first request; this one needs no network.
  if (host[GLOBAL_DISPATCHER] === undefined) await native("data:,").catch(() => {});
  const current = host[GLOBAL_DISPATCHER];
  if (current === undefined) return null;
  if (stock === undefined && isStock(current)) stock = current;
  return current === stock ? current.constructor as AgentClass : null;
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
