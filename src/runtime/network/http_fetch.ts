/**
 * `fetch` based on `node:http`, for runtimes whose own `fetch` keeps the program alive until a
 * request is answered.
 *
 * Supports only what the sender needs: bodies that are bytes, text or forms, and HTTP 1.1; no
 * redirects, no cookies.
 *
 * @module
 */

import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import type { Duplex } from "node:stream";
import { builtin } from "../builtin_modules.ts";
import type { Fetch, OwnFetch } from "../runtime.ts";
import { Connections, type ConnectionsOptions, isSocks } from "./connections.ts";
import { HttpResponse } from "./http_response.ts";
import { proxyHeaders } from "./tunnel.ts";

/** Errors of a connection that the server closed while it was idle. */
const STALE = ["ECONNRESET", "EPIPE"];

type Body = Uint8Array<ArrayBuffer> | undefined;

/** Error codes for rejected certificates. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO|^ERR_(?:SSL|TLS)/;

/** Options for {@linkcode httpFetch}. */
export interface HttpFetchOptions extends ConnectionsOptions {
  /**
   * The runtime's own `fetch`. It handles certificates that `node:tls` rejects: Deno's
   * `--unsafely-ignore-certificate-errors` applies only to its own `fetch`.
   */
  readonly fallback: Fetch;
  /** Whether the runtime's `node:http` has telemetry of its own, as Deno's does. */
  readonly hasTelemetry?: boolean;
}

/** Creates a `fetch` whose requests let the program end. */
export function httpFetch(options: HttpFetchOptions): OwnFetch {
  const untrusted = new Set<string>();
  const connections = new Connections(options);
  const agents = new Map<string, Agent>();
  return async (input, init = {}) => {
    const url = new URL(input);
    const { protocol } = url;
    if (protocol !== "http:" && protocol !== "https:") {
      throw new TypeError(`Cannot request a URL of this kind: ${protocol}`);
    }
    if (untrusted.has(url.origin)) return await options.fallback(input, init);
    const [headers, body] = await encode(init);
    // Connecting for an aborted request would only end at its timeout.
    init.signal?.throwIfAborted();
    const forward = protocol === "http:" ? forwardProxy(options.proxyFor(url.origin)) : null;
    let agent = agents.get(protocol);
    // Not before it is needed: `node:https` takes ms to load.
    if (agent === undefined) agents.set(protocol, agent = createAgent(protocol, connections));
    const sending = {
      method: init.method ?? "GET",
      agent,
      headers: {
        host: url.host,
        ...headers,
        ...(body !== undefined && { "content-length": String(body.length) }),
        ...(forward && proxyHeaders(forward)),
      },
      // A proxy forwards a plain request itself, and needs its whole URL.
      path: forward ? url.href : url.pathname + url.search,
    };
    const request = () => {
      if (options.hasTelemetry) return untracedRequest(url, sending);
      const { request } = protocol === "https:" ? builtin("node:https") : builtin("node:http");
      return request(url, sending);
    };
    const end = connections.begin(url.origin, init.signal);
    try {
      for (;;) {
        const sent = request();
        try {
          return new HttpResponse(await send(sent, body, init.signal));
        } catch (error) {
          const { code = "" } = error as { code?: string };
          if (protocol === "https:" && UNTRUSTED.test(code)) {
            const response = await options.fallback(input, init);
            untrusted.add(url.origin);
            return response;
          }
          if (!sent.reusedSocket || !STALE.includes(code) || init.signal?.aborted) throw error;
        }
      }
    } finally {
      end();
    }
  };
}

/**
 * Starts a request without a span: Deno begins one when it writes the headers, unless they are given
 * as a list. Libraries that instrument `request` do not expect a list, so this is not `request`.
 */
function untracedRequest(
  { protocol, hostname, port }: URL,
  { headers, ...sending }: RequestOptions & { headers: Record<string, string> },
): ClientRequest {
  return new (builtin("node:http").ClientRequest)({
    protocol,
    hostname,
    port,
    ...sending,
    headers: Object.entries(headers).flat(),
  });
}

/** Returns a proxy that takes plain requests instead of a tunnel. */
function forwardProxy(proxy: string | null): URL | null {
  const url = proxy === null ? null : new URL(proxy);
  return url === null || isSocks(url) ? null : url;
}

/** Creates an agent that keeps connections alive and creates them with `connections`. */
function createAgent(protocol: "http:" | "https:", connections: Connections): Agent {
  const { Agent } = protocol === "https:" ? builtin("node:https") : builtin("node:http");
  return Object.assign(new Agent({ keepAlive: true }), {
    createConnection(
      { host, port }: RequestOptions,
      connected: (error: Error | null, stream: Duplex) => void,
    ): undefined {
      const name = host ?? "localhost";
      const hostname = builtin("node:net").isIPv6(name) ? `[${name}]` : name;
      const target = { hostname, port: String(port ?? ""), protocol };
      connections.connect(target, (error, socket) => connected(error, socket!));
    },
  });
}

/**
 * Returns the headers and the bytes of a request. Only forms need classes of the runtime's `fetch`.
 */
async function encode(
  { headers = {}, body }: RequestInit,
): Promise<[Record<string, string>, Body]> {
  const named: Record<string, string> = {};
  const pairs = Symbol.iterator in headers ? headers : Object.entries(headers);
  for (const [name, value] of pairs) named[name.toLowerCase()] = value;
  if (body === null || body === undefined) return [named, undefined];
  if (body instanceof Uint8Array) return [named, body as Uint8Array<ArrayBuffer>];
  const encoded = new Response(body);
  const type = encoded.headers.get("content-type");
  if (type !== null) named["content-type"] ??= type;
  return [named, new Uint8Array(await encoded.arrayBuffer())];
}

function send(
  request: ClientRequest,
  body: Body,
  signal: AbortSignal | null | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal!.reason);
      request.destroy();
    };
    request.on("response", resolve);
    // An error after the response is an error of its body.
    request.on("error", reject);
    request.on("close", () => signal?.removeEventListener("abort", abort));
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) return abort();
    request.end(body);
  });
}
