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

/** The destination of a connection. */
export interface ConnectTarget {
  readonly hostname: string;
  /** Empty for the default port. */
  readonly port: string;
  /** `https:` for TLS. */
  readonly protocol: string;
  readonly servername?: string | null;
  readonly localAddress?: string | null;
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
    this.#open(target, attempt.signal)
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

  async #open(target: ConnectTarget, signal: AbortSignal): Promise<Socket> {
    const { reach, background } = this.#options;
    const secure = target.protocol === "https:";
    const host = bare(target.hostname);
    const port = Number(target.port) || (secure ? 443 : 80);
    if (!isLocal(host)) await reach(host, port, signal);
    signal.throwIfAborted();
    const socket = secure ? connectSecure(host, port, target) : connectPlain(host, port, target);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    if (background) {
      socket.unref();
      // HTTP clients would call `ref` for each request.
      socket.ref = () => socket;
    }
    return await new Promise<Socket>((resolve, reject) => {
      const event = secure ? "secureConnect" : "connect";
      const settle = (error: Error | null): void => {
        signal.removeEventListener("abort", onAbort);
        socket.off(event, onConnect).off("error", settle);
        if (error === null) resolve(socket);
        else reject(error);
      };
      const onConnect = (): void => settle(null);
      const onAbort = (): void => {
        settle(signal.reason as Error);
        socket.on("error", () => {}).destroy();
      };
      signal.addEventListener("abort", onAbort);
      socket.on(event, onConnect).on("error", settle);
    });
  }
}

function connectPlain(host: string, port: number, { localAddress }: ConnectTarget): Socket {
  return builtin("node:net").connect({ host, port, ...(localAddress ? { localAddress } : {}) });
}

function connectSecure(
  host: string,
  port: number,
  { servername, localAddress }: ConnectTarget,
): Socket {
  const name = servername || host;
  return builtin("node:tls").connect({
    host,
    port,
    ALPNProtocols: ["http/1.1"],
    ...(builtin("node:net").isIP(name) ? {} : { servername: name }),
    ...(localAddress ? { localAddress } : {}),
  });
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
