/**
 * Limits of the connections to a server of `node:http`.
 *
 * @module
 */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as NetServer, Socket } from "node:net";
import type { TlsOptions } from "node:tls";

/** Certificate and private key in PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/**
 * Returns the options of a TLS server.
 *
 * @param handshakeMs Timeout for the handshake; 0 for the default.
 */
export function tlsOptions(tls: TlsFiles, handshakeMs: number): TlsOptions {
  return { ...tls, ...(handshakeMs === 0 ? {} : { handshakeTimeout: handshakeMs }) };
}

/**
 * Closes connections on which the headers of a request do not arrive in time.
 *
 * @param opened The event with the socket that requests arrive on: for `node:https`, that is
 * `secureConnection`, since `connection` has the socket below TLS.
 * @param headersMs Time for the headers; 0 for no limit.
 * @param idleMs Time between two requests, without their headers.
 */
export function limitHeaders(
  server: Server,
  opened: "connection" | "secureConnection",
  { headersMs, idleMs }: { readonly headersMs: number; readonly idleMs: number },
): void {
  if (headersMs === 0) return;
  const timers = new WeakMap<Socket, ReturnType<typeof setTimeout>>();
  const stop = (socket: Socket): void => clearTimeout(timers.get(socket));
  const start = (socket: Socket, ms: number): void => {
    stop(socket);
    const timer = setTimeout(() => socket.destroy(), ms);
    timer.unref();
    timers.set(socket, timer);
  };
  server.on(opened, (socket: Socket) => {
    start(socket, headersMs);
    socket.once("close", () => stop(socket));
  });
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    stop(socket);
    response.once("close", () => {
      if (!socket.destroyed) start(socket, headersMs + idleMs);
    });
  });
}

/**
 * Creates a server that passes its connections to `server`. On Bun, `node:net` counts connections,
 * `node:http` does not.
 */
export async function connectionFront(
  server: Server,
  tls: TlsOptions | undefined,
): Promise<NetServer> {
  const pass = (socket: Socket): void => void server.emit("connection", socket);
  if (tls === undefined) return (await import("node:net")).createServer(pass);
  const front = (await import("node:tls")).createServer(tls, pass);
  // A server of `node:https` does this itself.
  front.on("tlsClientError", (_, socket) => socket.destroy());
  return front;
}
