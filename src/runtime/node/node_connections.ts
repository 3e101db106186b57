/**
 * Requests on Node whose connections can be given up, and that keep no program alive.
 *
 * Node's `fetch` goes on connecting for up to ten seconds after its request was aborted, and its
 * sockets keep the program alive for as long as a request is under way. A dispatcher with a
 * connector of its own does neither.
 *
 * Requests in the background go over `node:http` instead. Node's `fetch` compiles its HTTP parser,
 * which is WebAssembly, at the first request, and a program does not end before that is done.
 *
 * Where the program has set a dispatcher (a proxy, a mock), that one stays in charge of all.
 *
 * @module
 */

import { type Connected, Connections, type ConnectTarget } from "../network/connections.ts";
import { httpFetch } from "../network/http_fetch.ts";
import type { ConnectionOptions, Fetch, OwnFetch } from "../runtime.ts";
import { reachByName } from "./name_servers.ts";

/** Global key under which undici, of which Node's `fetch` is a part, keeps its dispatcher. */
const GLOBAL_DISPATCHER = Symbol.for("undici.globalDispatcher.1");
/** The key of later versions. */
const LATER_DISPATCHER = Symbol.for("undici.globalDispatcher.2");
/** A part of the source of Node's own `fetch`. */
const NODE_FETCH = "internal/deps/undici";

type AgentClass = new (options: {
  connect: (target: ConnectTarget, connected: Connected) => void;
}) => object;

/**
 * A `fetch` for requests in the background.
 *
 * @param native Node's own `fetch`; any other is left alone.
 * @param fallback Takes the requests for which the program has set a dispatcher.
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

/** Node's own `fetch` with connections of its own; the rest is as above. */
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

/** Whether the program has set a dispatcher; Node makes its own at the first request. */
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

/** The class of Node's own dispatcher; `null` while another one is set. */
async function stockAgent(native: Fetch): Promise<AgentClass | null> {
  const host = globalThis as Dispatchers;
  // Node makes its dispatcher at the first request; this one goes nowhere.
  if (host[GLOBAL_DISPATCHER] === undefined) await native("data:,").catch(() => {});
  const current = host[GLOBAL_DISPATCHER];
  if (current === undefined) return null;
  if (stock === undefined && isStock(current)) stock = current;
  return current === stock ? current.constructor as AgentClass : null;
}

/** Whether a dispatcher is a plain `Agent` that no option was given to. */
function isStock(dispatcher: object): boolean {
  if (dispatcher.constructor.name !== "Agent") return false;
  const symbol = Object.getOwnPropertySymbols(dispatcher)
    .find(({ description }) => description === "options");
  const options = symbol && (dispatcher as Record<symbol, unknown>)[symbol];
  return typeof options === "object" && options !== null &&
    Object.values(options).every((value) => value === undefined);
}
