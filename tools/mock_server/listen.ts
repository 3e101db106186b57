/**
 * Connection of a request, for the faults of the mock server, on each HTTP server.
 *
 * @module
 */

import type { ServerResponse } from "node:http";
import { type Exchange, listen, type Listener } from "../../src/http_server/listen.ts";
import type { Wire } from "./exchange.ts";

/**
 * The HTTP server.
 *
 * - `"native"`: `Deno.serve`, `Bun.serve`, or `node:http` on Node.
 * - `"node"`: `node:http` on every runtime.
 *
 * Faults are exact on `node:http`: a reset is a TCP reset before any byte, and a truncated response
 * announces its length and ends early. `Bun.serve` also resets exactly, but truncates in the middle
 * of a chunked response. `Deno.serve` gives handlers no access to the socket: `reset` and `loseReply`
 * send the headers of a `200` response and abort the body, so that `fetch` resolves and reading
 * rejects.
 */
export type MockEngine = "native" | "node";

/** Handles one request. */
export type Handle = (request: Request, wire: Wire) => Promise<Response>;

/** Opens a port; rejects if it is unavailable. */
export type Listen = (port: number, hostname: string, handle: Handle) => Promise<Listener>;

/** Listens with the given engine (default: the one with the most exact faults). */
export function listenOf(engine?: MockEngine): Listen {
  const chosen = engine ?? ("Deno" in globalThis ? "node" : "native");
  return async (port, hostname, handle) => {
    const { RESPONSE_ALREADY_SENT } = await import("@hono/node-server/utils/response");
    return await listen({
      port,
      hostname,
      engine: chosen,
      handle: (request, exchange) =>
        handle(
          request,
          exchange.outgoing === undefined
            ? streamWire(exchange)
            : nodeWire(exchange, exchange.outgoing, RESPONSE_ALREADY_SENT),
        ),
    });
  };
}

function nodeWire(exchange: Exchange, outgoing: ServerResponse, done: Response): Wire {
  return {
    get left() {
      return exchange.left;
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
      return done;
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
      return done;
    },
  };
}

/** Without access to the socket: an error in the body makes the runtime abort the connection. */
function streamWire({ left, completed }: Exchange): Wire {
  return {
    left,
    sent: () => completed?.catch(() => {}) ?? nextTurn(),
    tear: () => new Response(brokenBody(new Uint8Array())),
    cut(answer, body, bytes) {
      const headers = new Headers(answer.headers);
      headers.set("content-length", `${body.length}`);
      return new Response(brokenBody(body.subarray(0, bytes)), { status: answer.status, headers });
    },
  };
}

/** Bun does not report this. It writes a complete response at the end of the event loop turn. */
function nextTurn(): Promise<void> {
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
