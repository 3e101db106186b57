/**
 * Listens with the runtime's own HTTP server (`Deno.serve`, `Bun.serve`), or with `node:http` and
 * `node:https`.
 *
 * @module
 */

import type { Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { connectionFront, limitHeaders, type TlsFiles, tlsOptions } from "./connections.ts";

/** Options for {@linkcode listen}. */
export interface ListenOptions {
  /** 0 selects a free port. */
  readonly port: number;
  readonly hostname: string;
  readonly handle: Handle;
  /**
   * `"native"` is that of the runtime, and the default; `"node"` is `node:http` on every runtime.
   * The servers of Deno and Bun take more requests a second, and do not count connections.
   */
  readonly engine?: "native" | "node";
  /** Without it, plain HTTP. */
  readonly tls?: TlsFiles | undefined;
  /** Maximum number of connections; additional ones are closed. Only `node:http` counts them. */
  readonly maxConnections?: number;
  /** Seconds of inactivity after which a connection is closed; never by default, and by Deno's. */
  readonly idleSeconds?: number;
  /**
   * Timeout in ms for a TLS handshake, and for the headers of a request; none by default. Bun's
   * server has its own.
   */
  readonly headersMs?: number;
}

/** Processes one request. */
export type Handle = (request: Request, exchange: Exchange) => Promise<Response>;

/** Connection of a request and its response. */
export interface Exchange {
  /** Aborted when the caller disconnects (on Deno: once it is responded to). */
  readonly left: AbortSignal;
  /** Settles when the response was sent; only `Deno.serve` tells. */
  readonly completed?: Promise<void>;
  /** The response of `node:http`. */
  readonly outgoing?: ServerResponse;
}

/** An open port. */
export interface Listener {
  readonly port: number;
  /** Stops listening and closes all connections. */
  close(): Promise<void>;
}

interface DenoHost {
  serve(
    options: {
      port: number;
      hostname: string;
      cert?: string;
      key?: string;
      signal: AbortSignal;
      onListen: () => void;
      onError: (error: unknown) => Response;
    },
    handler: (request: Request, info: { completed: Promise<void> }) => Promise<Response>,
  ): { addr: { port: number }; finished: Promise<void> };
}

interface BunHost {
  serve(options: {
    port: number;
    hostname: string;
    tls?: { cert: string; key: string };
    idleTimeout: number;
    maxRequestBodySize: number;
    fetch: (request: Request) => Promise<Response>;
  }): { port: number; stop(closeConnections?: boolean): Promise<void> };
}

/** Larger than the limits of the servers of this package, which have an error message. */
const MAX_BODY_BYTES = 1024 ** 3;

/** Opens a port; rejects with the runtime's error if it is not available. */
export function listen(options: ListenOptions): Promise<Listener> {
  const { Deno: deno, Bun: bun } = globalThis as { Deno?: DenoHost; Bun?: BunHost };
  if (options.engine === "node") return listenOnNode(options);
  if (deno) return listenOnDeno(deno, options);
  return bun ? listenOnBun(bun, options) : listenOnNode(options);
}

/** Whether listening failed because the port is in use. */
export function isTaken(error: unknown): boolean {
  const { code, name } = error as { code?: string; name?: string };
  return code === "EADDRINUSE" || name === "AddrInUse";
}

async function listenOnNode(options: ListenOptions): Promise<Listener> {
  const { port, hostname, handle, tls, maxConnections, idleSeconds = 0, headersMs = 0 } = options;
  const { createAdaptorServer } = await import("@hono/node-server");
  const idleMs = idleSeconds * 1_000;
  const timeouts = {
    keepAliveTimeout: idleMs,
    // Those of `limitHeaders` are checked in time, and on every runtime.
    headersTimeout: 0,
    // Bodies take the time that those who read them allow.
    requestTimeout: 0,
  };
  const secure = tls && tlsOptions(tls, headersMs);
  const hasFront = "Bun" in globalThis && maxConnections !== undefined;
  const server = createAdaptorServer({
    // The program that uses the server may be in this process: its Request and Response stay.
    overrideGlobalObjects: false,
    hostname,
    fetch: (request, env) =>
      handle(request, {
        get left() {
          return request.signal;
        },
        outgoing: env.outgoing as ServerResponse,
      }),
    ...(secure && !hasFront
      ? {
        createServer: (await import("node:https")).createServer,
        serverOptions: { ...timeouts, ...secure },
      }
      : { serverOptions: timeouts }),
  }) as Server;
  const opened = secure && !hasFront ? "secureConnection" : "connection";
  limitHeaders(server, opened, { headersMs, idleMs });
  const front = hasFront ? await connectionFront(server, secure) : server;
  if (maxConnections !== undefined) front.maxConnections = maxConnections;
  const sockets = new Set<Socket>();
  front.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    front.once("error", reject);
    front.listen(port, hostname, () => {
      front.off("error", reject);
      resolve();
    });
  });
  return {
    port: (front.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => front.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function listenOnDeno(deno: DenoHost, options: ListenOptions): Promise<Listener> {
  const { port, hostname, handle, tls } = options;
  const stop = new AbortController();
  const server = await Promise.resolve(deno.serve({
    port,
    hostname,
    ...tls,
    signal: stop.signal,
    onListen: () => {},
    onError: (error) => new Response(String(error), { status: 500 }),
  }, (request, { completed }) => {
    // The signal of the request is aborted after every response, and Deno warns who uses it.
    const left = new AbortController();
    completed.catch(() => left.abort());
    return handle(request, { left: left.signal, completed });
  }));
  return {
    port: server.addr.port,
    async close() {
      stop.abort();
      await server.finished;
    },
  };
}

async function listenOnBun(bun: BunHost, options: ListenOptions): Promise<Listener> {
  const { port, hostname, handle, tls, idleSeconds = 0 } = options;
  const server = await Promise.resolve(bun.serve({
    port,
    hostname,
    ...(tls ? { tls: { ...tls } } : {}),
    idleTimeout: idleSeconds,
    maxRequestBodySize: MAX_BODY_BYTES,
    fetch: (request) => handle(request, { left: request.signal }),
  }));
  return { port: server.port, close: () => server.stop(true) };
}
