/**
 * Starts the mock trace server on this host: `Deno.serve`, `Bun.serve` or `node:http`. The one file
 * of the mock server that names a host.
 *
 * @module
 */

import type { AddressInfo, Socket } from "node:net";
import type { ServerResponse } from "node:http";
import { WeaveWalError } from "../errors.ts";
import { createMockApp } from "./app.ts";
import type { MockParts, Wire } from "./exchange.ts";
import { Faults } from "./faults.ts";
import { Journal } from "./journal.ts";
import { DEFAULT_BEHAVIOUR, type MockBehaviour, type MockOptions } from "./options.ts";
import { MockStore } from "./store.ts";

/**
 * What takes the connections.
 *
 * - `"native"`: `Deno.serve`, `Bun.serve`, or `node:http` on Node.
 * - `"node"`: `node:http` on every host.
 *
 * Faults are exact on `node:http`: a reset is a TCP reset before any byte, a truncated answer
 * promises its length and stops short. `Bun.serve` resets exactly too, and truncates in the middle
 * of a chunked answer. `Deno.serve` gives a handler no way to the socket: `reset` and `loseReply`
 * send a bare `200` head there and tear in the body, so that `fetch` resolves and reading rejects.
 */
export type MockEngine = "native" | "node";

/** How to start a mock server. */
export interface StartOptions extends MockOptions {
  /** The port; 0, the default, takes a free one. */
  port?: number;
  /** The address to listen on; `"127.0.0.1"`. */
  hostname?: string;
  /** The state to start with; an empty one by default. */
  store?: MockStore;
  /** What takes the connections; `"node"` on Deno, for its exact faults, else `"native"`. */
  engine?: MockEngine;
  /**
   * Whether connections are used again; `false`. Deno's `fetch` sends a request a second time by
   * itself when a connection that was used before breaks under it; without this option every
   * `fetch` is exactly one request on every host. `true` is faster for load tests.
   */
  keepAlive?: boolean;
}

/** A running mock server. */
export interface MockServer {
  /** `http://<hostname>:<port>`. */
  readonly url: string;
  /** The port it listens on; the same after a restart. */
  readonly port: number;
  /** What it holds. */
  readonly store: MockStore;
  /** The faults in force. */
  readonly faults: Faults;
  /** What it was asked. */
  readonly journal: Journal;
  /** How it behaves now. */
  readonly behaviour: Readonly<MockBehaviour>;
  /** Changes how it behaves from the next request on. */
  configure(changes: Partial<MockBehaviour>): void;
  /** Stops listening and tears all connections; a second call does nothing. */
  stop(): Promise<void>;
  /** Stops, then listens on the same port again, with all that it held. */
  restart(): Promise<void>;
  /**
   * Resolves as soon as a request makes `predicate` true; at once when it is.
   *
   * @param options `timeout`: ms until it rejects with `ERR_TIMEOUT`; 10,000.
   */
  waitFor(predicate: (store: MockStore) => boolean, options?: { timeout?: number }): Promise<void>;
  /** The same as `stop()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

type Handle = (request: Request, wire: Wire) => Promise<Response>;
type Listen = (port: number, hostname: string, handle: Handle) => Promise<Listener>;

/**
 * Starts a mock trace server.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` when the port cannot be had.
 *
 * @example
 * ```ts
 * import { startMockServer } from "../src/mock/serve.ts";
 *
 * await using mock = await startMockServer({ callMode: "old" });
 * mock.faults.add({ path: "/call/upsert_batch", times: 2, status: 503, retryAfter: 1 });
 * const answer = await fetch(`${mock.url}/health`);
 * if (answer.status !== 200) throw new Error(await answer.text());
 * await answer.body?.cancel();
 * ```
 */
export async function startMockServer(options: StartOptions = {}): Promise<MockServer> {
  const {
    port = 0,
    hostname = "127.0.0.1",
    store = new MockStore({ keepBodies: options.keepBodies }),
    engine = denoOf() ? "node" : "native",
    journalSize = 10_000,
    journalBodies = false,
    keepAlive = false,
    keepBodies: _,
    ...behaviour
  } = options;
  const server = new Server({
    store,
    hostname,
    keepAlive,
    listen: listenOf(engine),
    journal: new Journal(journalSize),
    journalBodies,
    behaviour: { ...DEFAULT_BEHAVIOUR, ...behaviour },
  });
  await server.start(port);
  return server;
}

interface Setup {
  store: MockStore;
  hostname: string;
  keepAlive: boolean;
  listen: Listen;
  journal: Journal;
  journalBodies: boolean;
  behaviour: MockBehaviour;
}

class Server implements MockServer, MockParts {
  readonly store: MockStore;
  readonly faults: Faults = new Faults();
  readonly journal: Journal;
  readonly journalBodies: boolean;
  readonly behaviour: MockBehaviour;
  readonly #setup: Setup;
  readonly #handle: Handle;
  readonly #waiting: Set<() => void> = new Set();
  #stopping = new AbortController();
  #listener: Listener | null = null;
  #port = 0;

  constructor(setup: Setup) {
    this.store = setup.store;
    this.journal = setup.journal;
    this.journalBodies = setup.journalBodies;
    this.behaviour = setup.behaviour;
    this.#setup = setup;
    const app = createMockApp(this);
    this.#handle = async (request, wire) => {
      const answer = await app.fetch(request, { wire });
      if (!setup.keepAlive) answer.headers.set("connection", "close");
      return answer;
    };
  }

  get url(): string {
    return `http://${this.#setup.hostname}:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  changed(): void {
    for (const look of this.#waiting) look();
  }

  configure(changes: Partial<MockBehaviour>): void {
    Object.assign(this.behaviour, changes);
  }

  async start(port: number): Promise<void> {
    this.#stopping = new AbortController();
    try {
      this.#listener = await this.#setup.listen(port, this.#setup.hostname, this.#handle);
    } catch (error) {
      throw new WeaveWalError(
        "ERR_INVALID_OPTION",
        `Cannot listen on port: ${port} (${isTaken(error) ? "it is in use" : error})`,
        { cause: error },
      );
    }
    this.#port = this.#listener.port;
  }

  async stop(): Promise<void> {
    const listener = this.#listener;
    this.#listener = null;
    this.#stopping.abort();
    await listener?.close();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start(this.#port);
  }

  waitFor(
    predicate: (store: MockStore) => boolean,
    options: { timeout?: number } = {},
  ): Promise<void> {
    const { timeout = 10_000 } = options;
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle();
      };
      const look = () => {
        try {
          if (predicate(this.store)) finish(resolve);
        } catch (error) {
          finish(() => reject(error));
        }
      };
      const timer = setTimeout(() =>
        finish(() =>
          reject(
            new WeaveWalError(
              "ERR_TIMEOUT",
              `Waited for the mock server, ms: ${timeout} (counts: ${
                JSON.stringify(this.store.counts)
              })`,
            ),
          )
        ), timeout);
      this.#waiting.add(look);
      look();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

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

function denoOf(): DenoSlice | undefined {
  return (globalThis as { Deno?: DenoSlice }).Deno;
}

function listenOf(engine: MockEngine): Listen {
  if (engine === "node") return listenOnNode;
  const deno = denoOf();
  if (deno) return (port, hostname, handle) => listenOnDeno(deno, port, hostname, handle);
  const bun = (globalThis as { Bun?: BunSlice }).Bun;
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
    // The tested program lives in this process: its Request and Response must stay its own.
    overrideGlobalObjects: false,
    hostname,
    fetch: (request, env) => handle(request, wireOver(request, env.outgoing as ServerResponse)),
    // An idle connection that the server closes looks like a fault that nobody asked for.
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
    return handle(request, streamWire(left.signal));
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
    fetch: (request) => handle(request, streamWire(request.signal)),
  }));
  return { port: server.port, close: () => server.stop(true) };
}

/** Without a way to the socket: an answer whose body breaks makes the host tear the connection. */
function streamWire(left: AbortSignal): Wire {
  return {
    left,
    tear: () => new Response(brokenBody(new Uint8Array())),
    cut(answer, body, bytes) {
      const headers = new Headers(answer.headers);
      headers.set("content-length", `${body.length}`);
      return new Response(brokenBody(body.subarray(0, bytes)), { status: answer.status, headers });
    },
  };
}

function brokenBody(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let sent = bytes.length === 0;
  return new ReadableStream({
    async pull(controller) {
      if (!sent) {
        sent = true;
        return controller.enqueue(bytes);
      }
      // The host sends a chunk when its turn of the event loop ends; breaking sooner eats it.
      if (bytes.length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
      // Bun prints every reason but this one.
      controller.error(undefined);
    },
  });
}

function isTaken(error: unknown): boolean {
  const { code, name } = error as { code?: string; name?: string };
  return code === "EADDRINUSE" || name === "AddrInUse";
}
