/**
 * Connections that can be aborted while connecting, and that do not keep the program alive once
 * they are established.
 *
 * @module
 */

import type { Socket } from "node:net";
import { builtin } from "../builtin_modules.ts";
import type { ConnectionOptions } from "../runtime.ts";
import { requestHolds } from "./hold_tracker.ts";
import { openTunnel } from "./tunnel.ts";
import { until } from "./until.ts";

/** The destination of a connection; a URL is one. */
export interface ConnectTarget {
  /** An IPv6 address has brackets. */
  readonly hostname: string;
  /** Empty for the default port. */
  readonly port: string;
  /** `https:` for TLS. */
  readonly protocol: string;
}

/** Called with the connection, or with the error. */
export type Connected = (error: Error | null, socket: Socket | null) => void;

/**
 * Resolves if connecting to a host will not wait for an unresponsive name server, and rejects
 * otherwise. Runtimes offer no way to abort the lookup itself.
 */
export type Reach = (hostname: string, port: number, signal: AbortSignal) => Promise<void>;

/** Options for {@linkcode Connections}. */
export interface ConnectionsOptions extends ConnectionOptions {
  /** Whether established connections let the program end. */
  readonly background: boolean;
  readonly reach: Reach;
}

/** The connections of one `fetch`. */
export class Connections {
  readonly #options: ConnectionsOptions;
  /** Number of unanswered requests by origin, without aborted ones. */
  readonly #waiting = new Map<string, number>();
  readonly #connecting = new Map<string, Set<AbortController>>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /**
   * Registers the start of a request. Returns a function to call when it is answered or has failed.
   */
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

  connect(target: ConnectTarget, connected: Connected): void {
    const { connectMs } = this.#options;
    const { origin } = new URL(`${target.protocol}//${target.hostname}:${target.port}`);
    const attempt = new AbortController();
    let attempts = this.#connecting.get(origin);
    if (!attempts) this.#connecting.set(origin, attempts = new Set());
    attempts.add(attempt);
    const release = requestHolds.begin(() => performance.now());
    const timer = setTimeout(
      () => attempt.abort(connectError("ETIMEDOUT", `No connection within ${connectMs} ms`)),
      connectMs,
    );
    timer.unref();
    this.#open(target, origin, attempt.signal)
      .finally(() => {
        clearTimeout(timer);
        release();
        attempts.delete(attempt);
      })
      .then((socket) => connected(null, socket), (error: Error) => connected(error, null));
  }

  /** Aborts connecting to an origin that no request waits for. */
  #giveUp(origin: string): void {
    this.#waiting.delete(origin);
    for (const attempt of this.#connecting.get(origin) ?? []) {
      attempt.abort(connectError("ECONNABORTED", "Gave up connecting"));
    }
  }

  /** Opens a connection, through a proxy if there is one for the origin. */
  async #open(target: ConnectTarget, origin: string, signal: AbortSignal): Promise<Socket> {
    const url = this.#options.proxyFor(origin);
    if (url === null) return await this.#dial(target, signal);
    const proxy = new URL(url);
    const socket = await this.#dial(proxy, signal);
    if (target.protocol !== "https:") return socket;
    try {
      await openTunnel(socket, `${target.hostname}:${portOf(target)}`, proxy, signal);
      return await this.#established(connectSecure(target, { socket }), "secureConnect", signal);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  async #dial(target: ConnectTarget, signal: AbortSignal): Promise<Socket> {
    const host = bare(target.hostname);
    const port = portOf(target);
    if (!isLocal(host)) await this.#options.reach(host, port, signal);
    signal.throwIfAborted();
    const isSecure = target.protocol === "https:";
    const socket = isSecure
      ? connectSecure(target, { port })
      : builtin("node:net").connect({ host, port });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    return await this.#established(socket, isSecure ? "secureConnect" : "connect", signal);
  }

  async #established(socket: Socket, event: string, signal: AbortSignal): Promise<Socket> {
    // Without a listener, an error between two stages would be an uncaught one of the program.
    socket.on("error", () => {});
    if (this.#options.background) {
      socket.unref();
      // HTTP clients would call `ref` for each request.
      socket.ref = () => socket;
    }
    await until(socket, event, signal);
    return socket;
  }
}

function connectSecure(
  { hostname }: ConnectTarget,
  over: { socket: Socket } | { port: number },
): Socket {
  const name = bare(hostname);
  return builtin("node:tls").connect({
    // In a tunnel, this is only the name that the certificate must contain.
    host: name,
    ...over,
    ALPNProtocols: ["http/1.1"],
    ...(builtin("node:net").isIP(name) ? {} : { servername: name }),
  });
}

function portOf({ port, protocol }: ConnectTarget): number {
  return Number(port) || (protocol === "https:" ? 443 : 80);
}

/** Removes the brackets of an IPv6 address. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** Returns whether a host needs no name server. */
function isLocal(host: string): boolean {
  return builtin("node:net").isIP(host) !== 0 || /^(?:.*\.)?localhost\.?$/i.test(host);
}

/** Creates a connection error. */
export function connectError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
