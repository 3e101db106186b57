/**
 * Starts, stops and restarts the mock trace server.
 *
 * @module
 */

import { WeaveWalError } from "../../src/errors.ts";
import { isTaken, type Listener } from "../../src/http_server/listen.ts";
import { createMockApp } from "./app.ts";
import type { MockDeps } from "./exchange.ts";
import { Faults } from "./faults.ts";
import { Journal, type JournalEntry } from "./store/request_log.ts";
import { type Handle, type Listen, listenOf, type MockEngine } from "./listen.ts";
import { DEFAULT_BEHAVIOR, type MockBehavior, type MockOptions } from "./options.ts";
import { MockStore } from "./store/store.ts";

/** Options for starting a mock server. */
export interface StartOptions extends MockOptions {
  /** The port (default: 0, a free one). */
  port?: number;
  /** The address to listen on (default: `"127.0.0.1"`). */
  hostname?: string;
  /** The initial state (default: empty). */
  store?: MockStore;
  /** HTTP server (default: `"node"` on Deno, for its exact faults, otherwise `"native"`). */
  engine?: MockEngine;
  /**
   * Whether connections are reused (default: `false`). Deno's `fetch` repeats a request
   * by itself if a reused connection breaks; with `false`, every `fetch` is exactly one
   * request on every host. `true` is faster for load tests.
   */
  keepAlive?: boolean;
  /** Called for every request when its response is known. */
  onRequest?: (entry: JournalEntry) => void;
}

/** A running mock server. */
export interface MockServer {
  /** `http://<hostname>:<port>`. */
  readonly url: string;
  /** The listening port; unchanged by a restart. */
  readonly port: number;
  /** Stored data. */
  readonly store: MockStore;
  /** Active faults. */
  readonly faults: Faults;
  /** Journal of requests. */
  readonly journal: Journal;
  /** Current options. */
  readonly behavior: Readonly<MockBehavior>;
  /** Changes options, effective with the next request. */
  configure(changes: Partial<MockBehavior>): void;
  /** Stops listening and aborts all connections. A second call does nothing. */
  stop(): Promise<void>;
  /** Stops, then listens on the same port again, with the same state. */
  restart(): Promise<void>;
  /**
   * Resolves when a request that made `predicate` true was answered or met a fault; at
   * once if it is already true.
   *
   * @param options `timeout`: ms after which it rejects with a `TimeoutError` (default:
   * 10,000).
   */
  waitFor(predicate: (store: MockStore) => boolean, options?: { timeout?: number }): Promise<void>;
  /** Same as `stop()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a mock trace server.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` if the port is unavailable.
 *
 * @example
 * ```ts
 * import { startMockServer } from "./serve.ts";
 *
 * await using mock = await startMockServer({ callMode: "old" });
 * mock.faults.add({ path: "/call/upsert_batch", times: 2, status: 503, retryAfter: 1 });
 * const answer = await fetch(`${mock.url}/health`);
 * if (answer.status !== 200) throw new Error(await answer.text());
 * await answer.body?.cancel();
 * ```
 */
export async function startMockServer(options: StartOptions = {}): Promise<MockServer> {
  const { port = 0, hostname = "127.0.0.1", keepAlive = false, engine, onRequest } = options;
  const server = new Server({
    store: options.store ?? new MockStore({ keepBodies: options.keepBodies }),
    journal: new Journal(options.journalSize ?? 10_000),
    journalBodies: options.journalBodies ?? false,
    behavior: behaviorOf(options),
    hostname,
    keepAlive,
    listen: listenOf(engine),
    onRequest,
  });
  await server.start(port);
  return server;
}

function behaviorOf(options: Partial<MockBehavior>): MockBehavior {
  const names = Object.keys(DEFAULT_BEHAVIOR) as (keyof MockBehavior)[];
  const chosen = names.filter((name) => options[name] !== undefined)
    .map((name) => [name, options[name]]);
  return { ...DEFAULT_BEHAVIOR, ...Object.fromEntries(chosen) };
}

interface Setup {
  store: MockStore;
  hostname: string;
  keepAlive: boolean;
  listen: Listen;
  journal: Journal;
  journalBodies: boolean;
  behavior: MockBehavior;
  onRequest?: (entry: JournalEntry) => void;
}

class Server implements MockServer, MockDeps {
  readonly store: MockStore;
  readonly faults: Faults = new Faults();
  readonly journal: Journal;
  readonly journalBodies: boolean;
  readonly behavior: MockBehavior;
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
    this.behavior = setup.behavior;
    this.#setup = setup;
    const app = createMockApp(this);
    this.#handle = async (request, wire) => {
      const answer = await app.fetch(request, { wire });
      if (this.#waiting.size > 0) void wire.sent().then(() => this.changed());
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

  answered(entry: JournalEntry): void {
    this.#setup.onRequest?.(entry);
  }

  configure(changes: Partial<MockBehavior>): void {
    Object.assign(this.behavior, changes);
  }

  async start(port: number): Promise<void> {
    this.#stopping = new AbortController();
    try {
      this.#listener = await this.#setup.listen(port, this.#setup.hostname, this.#handle);
    } catch (error) {
      throw new WeaveWalError(
        "ERR_INVALID_OPTION",
        isTaken(error)
          ? `Cannot listen on port: ${port} (it is in use)`
          : `Cannot listen on ${this.#setup.hostname}, port: ${port} (${error})`,
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
            new DOMException(
              `Waited for the mock server, ms: ${timeout} (counts: ${
                JSON.stringify(this.store.counts)
              })`,
              "TimeoutError",
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
