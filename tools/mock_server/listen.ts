/**
 * Listens with `Deno.serve`, `Bun.serve` or `node:http`. The only file of the mock server that depends
 * on the runtime.
 *
 * @module
 */

import type { ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Wire } from "./exchange.ts";

/**
 * The HTTP server.
 *
 * - `"native"`: `Deno.serve`, `Bun.serve`, or `node:http` on Node.
 * - `"node"`: `node:http` on every runtime.
 *
 * Faults are exact on `node:http`: a reset is a TCP reset before any byte, a truncated answer
 * announces its length and ends early. `Bun.serve` resets exactly too, and truncates in the middle
 * of a chunked answer. `Deno.serve` gives handlers no access to the socket: `reset` and `loseReply`
 * send the headers of a `200` response there and abort the body, so that `fetch` resolves and reading
 * rejects.
 */
export type MockEngine = "native" | "node";

/** An open port. */
export interface Listener {
  readonly port: number;
  /** Stops listening and aborts all connections. */
  close(): Promise<void>;
}

/** Handles one request. */
export type Handle = (request: Request, wire: Wire) => Promise<Response>;

/** Opens a port; rejects if it is unavailable. */
export type Listen = (port: number, hostname: string, handle: Handle) => Promise<Listener>;

interface DenoSlice {
  serve(
    options: {
      port: number;
      hostname: string;
      signal: AbortSignal;
      onListen: () => void;
      onError: (error: unknown) => Response;
    },
    handler: (request: Request, info: { completed: Promise<void> }) => Promise<Response>,
  ): { addr: { port: number }; finished: Promise<void> };
}

interface BunSlice {
  serve(options: {
    port: number;
    hostname: string;
    idleTimeout: number;
    maxRequestBodySize: number;
    fetch: (request: Request) => Promise<Response>;
  }): { port: number; stop(closeActiveConnections: boolean): Promise<void> };
}

/** Listens with the given engine (default: the one with the most exact faults). */
export function listenOf(engine?: MockEngine): Listen {
  const { Deno: deno, Bun: bun } = globalThis as { Deno?: DenoSlice; Bun?: BunSlice };
  if ((engine ?? (deno ? "node" : "native")) === "node") return listenOnNode;
  if (deno) return (port, hostname, handle) => listenOnDeno(deno, port, hostname, handle);
  if (bun) return (port, hostname, handle) => listenOnBun(bun, port, hostname, handle);
  return listenOnNode;
}

async function listenOnNode(port: number, hostname: string, handle: Handle): Promise<Listener> {
  const { createAdaptorServer } = await import("@hono/node-server");
  const { RESPONSE_ALREADY_SENT } = await import("@hono/node-server/utils/response");
  const sockets = new Set<Socket>();
  const wireOver = (request: Request, outgoing: ServerResponse): Wire => ({
    get left() {
      return request.signal;
    },
    sent: () =>
      new Promise((resolve) => {
        if (outgoing.writableFinished || outgoing.destroyed) resolve();
        outgoing.once("finish", resolve);
        outgoing.once("close", resolve);
      }),
    tear() {
      const { socket } = outgoing;
      if (socket?.resetAndDestroy) socket.resetAndDestroy();
      else socket?.destroy();
      return RESPONSE_ALREADY_SENT;
    },
    async cut(answer, body, bytes) {
      const headers = { ...Object.fromEntries(answer.headers), "content-length": `${body.length}` };
      outgoing.writeHead(answer.status, headers);
      outgoing.flushHeaders();
      await new Promise<void>((resolve) => {
        if (bytes === 0) resolve();
        else outgoing.write(body.subarray(0, bytes), () => resolve());
      });
      outgoing.socket?.destroySoon();
      return RESPONSE_ALREADY_SENT;
    },
  });
  const server = createAdaptorServer({
    // The tested program may be in this process: its Request and Response must not be replaced.
    overrideGlobalObjects: false,
    hostname,
    fetch: (request, env) => handle(request, wireOver(request, env.outgoing as ServerResponse)),
    // Closing an idle connection would look like an unexpected fault.
    serverOptions: { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 },
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
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
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function listenOnDeno(
  deno: DenoSlice,
  port: number,
  hostname: string,
  handle: Handle,
): Promise<Listener> {
  const stop = new AbortController();
  const server = await Promise.resolve(deno.serve({
    port,
    hostname,
    signal: stop.signal,
    onListen: () => {},
    onError: (error) => new Response(String(error), { status: 500 }),
  }, (request, { completed }) => {
    const left = new AbortController();
    completed.catch(() => left.abort());
    return handle(request, streamWire(left.signal, () => completed.catch(() => {})));
  }));
  return {
    port: server.addr.port,
    async close() {
      stop.abort();
      await server.finished;
    },
  };
}

async function listenOnBun(
  bun: BunSlice,
  port: number,
  hostname: string,
  handle: Handle,
): Promise<Listener> {
  const server = await Promise.resolve(bun.serve({
    port,
    hostname,
    idleTimeout: 0,
    maxRequestBodySize: 1024 ** 3,
    fetch: (request) => handle(request, streamWire(request.signal, bunSent)),
  }));
  return { port: server.port, close: () => server.stop(true) };
}

/** Without access to the socket: an error in the body makes the runtime abort the connection. */
function streamWire(left: AbortSignal, sent: () => Promise<void>): Wire {
  return {
    left,
    sent,
    tear: () => new Response(brokenBody(new Uint8Array())),
    cut(answer, body, bytes) {
      const headers = new Headers(answer.headers);
      headers.set("content-length", `${body.length}`);
      return new Response(brokenBody(body.subarray(0, bytes)), { status: answer.status, headers });
    },
  };
}

/** Bun does not report this. It writes a complete response at the end of the event loop turn. */
function bunSent(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

function brokenBody(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let sent = bytes.length === 0;
  return new ReadableStream({
    async pull(controller) {
      if (!sent) {
        sent = true;
        return controller.enqueue(bytes);
      }
      // The runtime sends a chunk at the end of the event loop turn; an earlier error discards it.
      if (bytes.length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
      // Bun logs all other reasons.
      controller.error(undefined);
    },
  });
}

/** Whether listening failed because the port is in use. */
export function isTaken(error: unknown): boolean {
  const { code, name } = error as { code?: string; name?: string };
  return code === "EADDRINUSE" || name === "AddrInUse";
}
