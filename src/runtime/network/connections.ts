/**
 * Connections that can be aborted while connecting, and that do not keep the program alive once
 * they are established.
 *
 * @module
 */

import type { LookupFunction, Socket } from "node:net";
import { builtin } from "../builtin_modules.ts";
import { hostTime } from "../host_time.ts";
import type { ConnectionOptions } from "../runtime.ts";
import { requestHolds } from "./hold_tracker.ts";
import { openSocksTunnel } from "./socks.ts";
import { openTunnel } from "./tunnel.ts";
import { until } from "./until.ts";

const time = hostTime();

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

/** An address of a host. */
export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * Returns the addresses of a host; `null` leaves the lookup to the runtime. No runtime can abort its
 * own lookup, so `null` is only for hosts for which it will not wait for a name server.
 */
export type Resolve = (
  hostname: string,
  port: number,
  signal: AbortSignal,
) => Promise<readonly Address[] | null>;

/** Options for {@linkcode Connections}. */
export interface ConnectionsOptions extends ConnectionOptions {
  /** Whether established connections let the program end. */
  readonly background: boolean;
  readonly resolve: Resolve;
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
    const release = requestHolds.begin(time.performanceNow);
    const timer = time.setTimeout(
      () => attempt.abort(connectError("ETIMEDOUT", `No connection within ${connectMs} ms`)),
      connectMs,
    );
    timer.unref();
    this.#open(target, origin, attempt.signal)
      .finally(() => {
        time.clearTimeout(timer);
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
    const isSecure = target.protocol === "https:";
    const url = this.#options.proxyFor(origin);
    const proxy = url === null ? null : new URL(url);
    const socket = await this.#dial(proxy ?? target, signal);
    try {
      if (!proxy) return isSecure ? await this.#secure(socket, target, signal) : socket;
      const over = proxy.protocol === "https:" ? await this.#secure(socket, proxy, signal) : socket;
      const [host, port] = [target.hostname, portOf(target)] as const;
      if (isSocks(proxy)) await openSocksTunnel(over, bare(host), port, proxy, signal);
      else if (!isSecure) return over;
      else await openTunnel(over, `${host}:${port}`, proxy, signal);
      return isSecure ? await this.#secure(over, target, signal) : over;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  async #dial(target: ConnectTarget, signal: AbortSignal): Promise<Socket> {
    const host = bare(target.hostname);
    const port = portOf(target);
    const { connect, isIP } = builtin("node:net");
    const addresses = isIP(host) ? null : await this.#options.resolve(host, port, signal);
    signal.throwIfAborted();
    const socket = connect({ host, port, ...(addresses && { lookup: lookupIn(addresses) }) });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    return await this.#established(socket, "connect", signal);
  }

  async #secure(
    socket: Socket,
    { hostname }: ConnectTarget,
    signal: AbortSignal,
  ): Promise<Socket> {
    const name = bare(hostname);
    const secure = builtin("node:tls").connect({
      // Only the name that the certificate must contain.
      host: name,
      socket,
      ALPNProtocols: ["http/1.1"],
      ...(builtin("node:net").isIP(name) ? {} : { servername: name }),
    });
    return await this.#established(secure, "secureConnect", signal);
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

/** Returns the port of a server or a proxy. */
export function portOf({ port, protocol }: Omit<ConnectTarget, "hostname">): number {
  const standard: Record<string, number> = { "https:": 443, "socks5:": 1080, "socks5h:": 1080 };
  return Number(port) || (standard[protocol] ?? 80);
}

/** Returns whether a proxy speaks SOCKS. */
export function isSocks({ protocol }: URL): boolean {
  return protocol.startsWith("socks");
}

/** Removes the brackets of an IPv6 address. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** Returns a lookup that has the given addresses as its result. */
function lookupIn(addresses: readonly Address[]): LookupFunction {
  return (_, { all }, done) => {
    if (all) return done(null, [...addresses]);
    done(null, addresses[0]!.address, addresses[0]!.family);
  };
}

/** Creates a connection error. */
export function connectError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
