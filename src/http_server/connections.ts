/**
 * Limits of the connections to a server of `node:http`.
 *
 * @module
 */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as NetServer, Socket } from "node:net";

/** Certificate and private key in PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/**
 * Closes connections on which the headers of a request do not arrive in time.
 *
 * @param headersMs Time for the headers; 0 for no limit.
 * @param idleMs Time between two requests, without their headers.
 */
export function limitHeaders(server: Server, headersMs: number, idleMs: number): void {
  if (headersMs === 0) return;
  const timers = new WeakMap<Socket, ReturnType<typeof setTimeout>>();
  const stop = (socket: Socket): void => clearTimeout(timers.get(socket));
  const start = (socket: Socket, ms: number): void => {
    stop(socket);
    const timer = setTimeout(() => socket.destroy(), ms);
    timer.unref();
    timers.set(socket, timer);
  };
  const begin = (socket: Socket): void => {
    start(socket, headersMs);
    socket.once("close", () => stop(socket));
  };
  server.on("connection", begin);
  server.on("secureConnection", begin);
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
  tls: TlsFiles | undefined,
): Promise<NetServer> {
  const pass = (socket: Socket): void => void server.emit("connection", socket);
  if (tls) return (await import("node:tls")).createServer({ ...tls }, pass);
  return (await import("node:net")).createServer(pass);
}
