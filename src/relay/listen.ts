/**
 * Listens with the runtime's own server: `Deno.serve`, `Bun.serve`, `node:http` or `node:https`.
 *
 * @module
 */

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Options for {@linkcode listen}. */
export interface ListenOptions {
  readonly hostname: string;
  /** 0 selects a free port. */
  readonly port: number;
  /** Certificate and private key in PEM; without them, plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Maximum number of connections; additional ones are closed (Node) or wait (Deno, Bun). */
  readonly maxConnections: number;
  readonly fetch: Handle;
}

/** Handles a request. `left` is aborted when the caller disconnects. */
export type Handle = (request: Request, left: AbortSignal) => Promise<Response>;

/** An open port. */
export interface Listener {
  readonly port: number;
  /** Stops listening and closes all connections. */
  close(): Promise<void>;
}

interface DenoHost {
  serve(
    options: {
      hostname: string;
      port: number;
      cert?: string;
      key?: string;
      signal: AbortSignal;
      onListen: () => void;
    },
    handler: (request: Request, info: { completed: Promise<void> }) => Promise<Response>,
  ): { addr: { port: number }; finished: Promise<void> };
}

interface BunHost {
  serve(options: {
    hostname: string;
    port: number;
    tls?: { cert: string; key: string };
    idleTimeout: number;
    maxRequestBodySize: number;
    fetch: (request: Request) => Promise<Response>;
  }): { port: number; stop(closeConnections?: boolean): Promise<void> };
}

/**
 * Seconds of inactivity after which a connection is closed: more than the timeouts of load
 * balancers.
 */
const IDLE_SECONDS = 120;
/** Timeout in ms for the headers of a request. */
const HEADERS_MS = 30_000;
/** Larger than the relay's own limits, which have an error message. */
const MAX_BODY_BYTES = 1024 ** 3;

/** Opens a port; rejects with the runtime's error if it is not available. */
export function listen(options: ListenOptions): Promise<Listener> {
  const { Deno: deno, Bun: bun } = globalThis as { Deno?: DenoHost; Bun?: BunHost };
  if (deno) return listenOnDeno(deno, options);
  return bun ? listenOnBun(bun, options) : listenOnNode(options);
}

async function listenOnNode(options: ListenOptions): Promise<Listener> {
  const { hostname, port, tls, maxConnections, fetch } = options;
  const { createAdaptorServer } = await import("@hono/node-server");
  const timeouts = {
    keepAliveTimeout: IDLE_SECONDS * 1000,
    headersTimeout: HEADERS_MS,
    // The relay has its own timeout for the body of each request.
    requestTimeout: 0,
  };
  const server = createAdaptorServer({
    overrideGlobalObjects: false,
    hostname,
    fetch: (request) => fetch(request, request.signal),
    ...(tls
      ? {
        createServer: (await import("node:https")).createServer,
        serverOptions: { ...timeouts, ...tls },
      }
      : { serverOptions: timeouts }),
  }) as Server;
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listenOnDeno(deno: DenoHost, options: ListenOptions): Promise<Listener> {
  const { hostname, port, tls, fetch } = options;
  const stop = new AbortController();
  const server = await Promise.resolve(
    deno.serve(
      { hostname, port, ...tls, signal: stop.signal, onListen: () => {} },
      (request, { completed }) => {
        // Deno aborts the signal of the request after every response, and warns about using it.
        const left = new AbortController();
        completed.catch(() => left.abort());
        return fetch(request, left.signal);
      },
    ),
  );
  return {
    port: server.addr.port,
    async close() {
      stop.abort();
      await server.finished;
    },
  };
}

async function listenOnBun(bun: BunHost, options: ListenOptions): Promise<Listener> {
  const { hostname, port, tls, fetch } = options;
  const server = await Promise.resolve(bun.serve({
    hostname,
    port,
    ...(tls ? { tls: { ...tls } } : {}),
    idleTimeout: IDLE_SECONDS,
    maxRequestBodySize: MAX_BODY_BYTES,
    fetch: (request) => fetch(request, request.signal),
  }));
  return {
    port: server.port,
    close: () => server.stop(true),
  };
}
