/**
 * Connections that can be given up, and that keep no program alive once they are made.
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

/** Called with the connection, or with why there is none. */
export type Connected = (error: Error | null, socket: Socket | null) => void;

/**
 * Resolves where connecting to a host does not wait for a name server that does not respond, and
 * rejects where it would: hosts offer no way to give up the lookup itself.
 */
export type Reach = (hostname: string, port: number, signal: AbortSignal) => Promise<void>;

/** Options of {@linkcode Connections}. */
export interface ConnectionsOptions extends ConnectionOptions {
  /** Whether connections let the program end once they are made. */
  readonly background: boolean;
  readonly reach: Reach;
}

/** The connections of one `fetch`. */
export class Connections {
  readonly #options: ConnectionsOptions;
  /** Requests by origin that have no answer yet and were not aborted. */
  readonly #waiting = new Map<string, number>();
  readonly #connecting = new Map<string, Set<AbortController>>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
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

  /** Makes a connection. */
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

  /** Nobody waits for these connections any more. */
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
      // HTTP clients would take it back for each request.
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

/** An IPv6 address without its brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** Whether no name server is asked for it. */
function isLocal(host: string): boolean {
  return builtin("node:net").isIP(host) !== 0 || /^(?:.*\.)?localhost\.?$/i.test(host);
}

/** An error of a connection. */
export function connectError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
