/**
 * A proxy in front of the trace server that counts requests and injects faults.
 *
 * @module
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

/** A request that arrived at the gate. */
export interface Passed {
  readonly path: string;
  /** Number of records in it; a complete call counts as two, its start and its end. */
  readonly records: number;
  /** Size of its body in bytes. */
  readonly bytes: number;
  /** `null` if the connection was aborted. */
  status: number | null;
  /** The error in a response. */
  reason?: string;
  /** Whether the client had closed its connection before the response. */
  isUnheard?: boolean;
}

/** A fault, which the gate applies instead of forwarding a request, or in addition. */
export interface Fault {
  /** Affected requests: those whose path matches, and whose body contains `has`. */
  readonly path?: RegExp;
  readonly has?: string;
  /** Number of requests (default: all). */
  times?: number;
  /** Responds with this status instead of forwarding the request. */
  readonly status?: number;
  /** Body of that response, or of a response with status 200. */
  readonly body?: string;
  /** Forwards the request, and responds this many ms after its arrival or, if later, at once. */
  readonly delayMs?: number;
  /** Forwards the request, and aborts the connection instead of responding. */
  readonly loseAnswer?: boolean;
  /** Aborts the connection before the request is forwarded. */
  readonly tear?: boolean;
  /** Responds with 200 and an endless body, optionally compressed. */
  readonly flood?: "plain" | "gzip";
  /** Responds with 422 and the headers of the request. */
  readonly echo?: boolean;
}

/** An open gate. */
export class Gate implements AsyncDisposable {
  /** Forwarded requests, in order of arrival. */
  readonly passed: Passed[] = [];
  readonly #target: string;
  readonly #faults = new Set<Fault>();
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  private constructor(target: string) {
    this.#target = target;
  }

  /** Opens a gate to the server at `target`. */
  static async open(target: string): Promise<Gate> {
    const gate = new Gate(target);
    await gate.reopen();
    return gate;
  }

  /** `http://127.0.0.1:<port>`, also while the gate is shut. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Adds a fault and returns a function that removes it. */
  fault(fault: Fault): () => void {
    this.#faults.add(fault);
    return () => void this.#faults.delete(fault);
  }

  /** Number of accepted records: those in requests answered with 2xx. */
  get taken(): number {
    return this.#sum((status) => status !== null && status < 300);
  }

  /** Number of records in all requests, including repeated ones. */
  get sent(): number {
    return this.#sum(() => true);
  }

  /** Errors in responses, without duplicates. */
  get reasons(): string[] {
    const reasons = this.passed.flatMap(({ status, reason }) =>
      reason === undefined ? [] : [`${status} ${reason}`]
    );
    return [...new Set(reasons)];
  }

  /** Refuses connections, like a server that is down. */
  async shut(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  /** Accepts connections again, on the same port. */
  async reopen(): Promise<void> {
    const server = createServer((request, response) => void this.#handle(request, response));
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shut();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk);
      await this.#pass(request, Buffer.concat(chunks), response);
    } catch {
      // The client disconnected, or the gate was shut.
      response.destroy();
    }
  }

  async #pass(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const arrivedAt = performance.now();
    const path = request.url ?? "";
    const entry: Passed = {
      path,
      records: recordsIn(path, body),
      bytes: body.length,
      status: null,
    };
    this.passed.push(entry);
    const fault = this.#take(path, body);
    if (fault?.tear) return void response.destroy();
    if (fault?.flood) return await flood(response, fault.flood === "gzip");
    const answer = (fault && answerOf(fault, request)) ?? await this.#forward(request, path, body);
    // A busy machine must not make the server slower than that.
    if (fault?.delayMs) await pause(fault.delayMs - (performance.now() - arrivedAt));
    if (fault?.loseAnswer) return void response.destroy();
    entry.status = answer.status;
    entry.isUnheard = request.socket.destroyed;
    if (answer.status >= 400) entry.reason = reasonOf(answer.body);
    response.writeHead(answer.status, { "content-type": answer.type });
    response.end(answer.body);
  }

  #take(path: string, body: Buffer): Fault | undefined {
    for (const fault of this.#faults) {
      if (fault.path && !fault.path.test(path)) continue;
      if (fault.has !== undefined && !body.includes(fault.has)) continue;
      if (fault.times !== undefined && --fault.times <= 0) this.#faults.delete(fault);
      return fault;
    }
    return undefined;
  }

  async #forward(request: IncomingMessage, path: string, body: Buffer): Promise<Answer> {
    const { "content-type": type, authorization } = request.headers;
    const answer = await fetch(this.#target + path, {
      method: request.method,
      headers: {
        ...(type ? { "content-type": type } : {}),
        ...(authorization ? { authorization } : {}),
      },
      ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
    });
    return {
      status: answer.status,
      type: answer.headers.get("content-type") ?? "application/json",
      body: Buffer.from(await answer.arrayBuffer()),
    };
  }

  #sum(counts: (status: number | null) => boolean): number {
    return this.passed.filter(({ status }) => counts(status))
      .reduce((sum, { records }) => sum + records, 0);
  }
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

function answerOf(fault: Fault, request: IncomingMessage): Answer | undefined {
  if (fault.echo) {
    const body = Buffer.from(JSON.stringify({ detail: [{ headers: request.headers }] }));
    return { status: 422, type: "application/json", body };
  }
  if (fault.status === undefined && fault.body === undefined) return undefined;
  const body = Buffer.from(fault.body ?? '{"reason":"fault on purpose"}');
  const type = fault.body?.startsWith("<") ? "text/html" : "application/json";
  return { status: fault.status ?? 200, type, body };
}

const READS =
  /^\/(health|server_info|graphql|service\/|calls\/(stream_)?query|call\/read|obj\/read|objs\/|table\/query|refs\/|feedback\/query|cost\/query|files?\/content)/;

/** Number of records in a request's body. */
function recordsIn(path: string, body: Buffer): number {
  if (READS.test(path) || body.length === 0) return 0;
  if (/^\/files?\/create/.test(path)) return 1;
  try {
    const { batch } = JSON.parse(body.toString()) as { batch?: unknown[] };
    const factor = path.endsWith("/calls/complete") ? 2 : 1;
    return batch ? batch.length * factor : 1;
  } catch {
    return 1;
  }
}

/** Sends whitespace, which is valid anywhere in JSON, until the reader stops. */
async function flood(response: ServerResponse, isCompressed: boolean): Promise<void> {
  const spaces = Buffer.alloc(1 << 20, " ");
  const headers = { "content-type": "application/json" };
  response.writeHead(200, isCompressed ? { ...headers, "content-encoding": "gzip" } : headers);
  const source = Readable.from((function* () {
    while (!response.destroyed) yield spaces;
  })());
  const parts = isCompressed ? [source, createGzip({ level: 9 }), response] : [source, response];
  await pipeline(parts as [Readable, ServerResponse]).catch(() => {});
}

function reasonOf(body: Buffer): string {
  const text = body.toString();
  try {
    const { reason, detail } = JSON.parse(text) as { reason?: string; detail?: unknown };
    if (reason !== undefined) return reason;
    const [first] = Array.isArray(detail) ? detail : [];
    return first?.msg === undefined
      ? JSON.stringify(detail)
      : `${first.msg} (${first.loc?.join(".")})`;
  } catch {
    return text.slice(0, 80);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
