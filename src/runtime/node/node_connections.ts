/**
 * Connections of Node's own `fetch` that can be given up and that keep no program alive.
 *
 * Node's `fetch` goes on connecting for up to ten seconds after its request was aborted, and its
 * sockets keep the program alive for as long as a request is under way. A dispatcher with a
 * connector of its own does neither. Where the program has set a dispatcher (a proxy, a mock), that
 * one stays in charge.
 *
 * @module
 */

import type { Socket } from "node:net";
import { builtin } from "../builtin_modules.ts";
import { requestHolds } from "../network/hold_tracker.ts";
import type { ConnectionOptions, Fetch } from "../runtime.ts";

/** Global key under which undici, of which Node's `fetch` is a part, keeps its dispatcher. */
const GLOBAL_DISPATCHER = Symbol.for("undici.globalDispatcher.1");
/** A part of the source of Node's own `fetch`. */
const NODE_FETCH = "internal/deps/undici";

/** Options that undici passes to a connector. */
interface ConnectTarget {
  readonly hostname: string;
  readonly port: string;
  readonly protocol: string;
  readonly servername?: string | null;
  readonly localAddress?: string | null;
}

type Connected = (error: Error | null, socket: Socket | null) => void;
type AgentClass = new (options: {
  connect: (target: ConnectTarget, connected: Connected) => void;
}) => object;

/**
 * `native` with connections of its own.
 *
 * @param native Node's own `fetch`; any other is left alone.
 * @param fallback Takes the requests for which the program has set a dispatcher.
 */
export function nodeFetch(native: Fetch, fallback: Fetch, options: ConnectionOptions): Fetch {
  if (!Function.prototype.toString.call(native).includes(NODE_FETCH)) return fallback;
  const connections = new Connections(options);
  return async (url, init = {}) => {
    const agent = await stockAgent(native);
    if (agent === null) return await fallback(url, init);
    const { origin } = new URL(url);
    const end = connections.begin(origin, init.signal);
    try {
      const dispatcher = connections.dispatcher(agent);
      return await native(url, { ...init, dispatcher } as RequestInit);
    } finally {
      end();
    }
  };
}

let stock: object | undefined;

/** The class of Node's own dispatcher; `null` while another one is set. */
async function stockAgent(native: Fetch): Promise<AgentClass | null> {
  const host = globalThis as { [GLOBAL_DISPATCHER]?: object };
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

/** The connections of one `fetch`. */
class Connections {
  readonly #options: ConnectionOptions;
  #dispatcher: object | undefined;
  /** Requests by origin that have no answer yet and were not aborted. */
  readonly #waiting = new Map<string, number>();
  readonly #connecting = new Map<string, Set<Socket>>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  dispatcher(agent: AgentClass): object {
    return this.#dispatcher ??= new agent({
      connect: (target, connected) => this.#connect(target, connected),
    });
  }

  /** A request begins; the result is to be called when it is answered or has failed. */
  begin(origin: string, signal: AbortSignal | null | undefined): () => void {
    this.#waiting.set(origin, (this.#waiting.get(origin) ?? 0) + 1);
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      signal?.removeEventListener("abort", end);
      const left = this.#waiting.get(origin)! - 1;
      this.#waiting.set(origin, left);
      if (left === 0) this.#giveUp(origin);
    };
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
    return end;
  }

  /** Nobody waits for these connections any more. */
  #giveUp(origin: string): void {
    this.#waiting.delete(origin);
    for (const socket of this.#connecting.get(origin) ?? []) {
      socket.destroy(connectError("ECONNABORTED", "Gave up connecting"));
    }
  }

  #connect(target: ConnectTarget, connected: Connected): void {
    const { background, connectMs } = this.#options;
    const { origin } = new URL(`${target.protocol}//${target.hostname}:${target.port}`);
    const secure = target.protocol === "https:";
    const socket = secure ? connectSecure(target) : connectPlain(target);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    if (background) {
      socket.unref();
      // undici would take it back for each request.
      socket.ref = () => socket;
    }
    let sockets = this.#connecting.get(origin);
    if (!sockets) this.#connecting.set(origin, sockets = new Set());
    sockets.add(socket);
    const release = requestHolds.begin(() => performance.now());
    const timer = setTimeout(
      () => socket.destroy(connectError("ETIMEDOUT", `No connection within ${connectMs} ms`)),
      connectMs,
    );
    timer.unref();
    const settle = (error: Error | null): void => {
      clearTimeout(timer);
      release();
      sockets.delete(socket);
      connected(error, error === null ? socket : null);
    };
    const onConnect = (): void => {
      socket.off("error", onError);
      settle(null);
    };
    const onError = (error: Error): void => {
      socket.off(event, onConnect);
      settle(error);
    };
    const event = secure ? "secureConnect" : "connect";
    socket.once(event, onConnect);
    socket.once("error", onError);
  }
}

function connectPlain({ hostname, port, localAddress }: ConnectTarget): Socket {
  return builtin("node:net").connect({
    host: bare(hostname),
    port: Number(port) || 80,
    ...(localAddress ? { localAddress } : {}),
  });
}

function connectSecure({ hostname, port, servername, localAddress }: ConnectTarget): Socket {
  const host = bare(hostname);
  const name = servername || host;
  return builtin("node:tls").connect({
    host,
    port: Number(port) || 443,
    ALPNProtocols: ["http/1.1"],
    ...(builtin("node:net").isIP(name) ? {} : { servername: name }),
    ...(localAddress ? { localAddress } : {}),
  });
}

/** An IPv6 address without its brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

function connectError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
