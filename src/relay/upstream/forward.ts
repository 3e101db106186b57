/**
 * Forwards requests to the server, with the relay's key instead of the caller's token.
 *
 * @module
 */

import { redactor } from "../../delivery/http/redact.ts";
import { readText } from "../../delivery/http/response_body.ts";
import { basicAuth } from "../../delivery/http/transport.ts";
import type { FetchResponse, OwnFetch } from "../../runtime/runtime.ts";
import { type KnownAnswers, questionOf } from "./known_answers.ts";
import { guardedBody } from "./response_body.ts";

/** Maximum bytes of an error response. */
const MAX_ERROR_BYTES = 1024 * 1024;
/** Seconds after which a caller may retry if the server is unreachable. */
const RETRY_AFTER = 5;

/** Headers that apply to one connection, or that the relay replaces. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "accept-encoding",
  "authorization",
  "connection",
  "content-encoding",
  "content-length",
  "cookie",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "wandb-api-key",
]);

/** Headers of a response that apply to one connection or to a compressed body. */
const DROPPED_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "keep-alive",
  "set-cookie",
  "transfer-encoding",
]);

/** Options for {@linkcode Upstream}. */
export interface UpstreamOptions {
  readonly fetch: OwnFetch;
  /** Base URL of the trace server, and its API key. */
  readonly serverUrl: string;
  readonly apiKey: string | undefined;
  /** Base URL of the W&B server, which serves `/graphql`, and its API key. */
  readonly baseUrl: string;
  readonly baseApiKey: string | undefined;
  /** Timeout in ms until a response begins. */
  readonly timeoutMs: number;
  readonly known: KnownAnswers;
  /** Called when a request could not be forwarded. */
  readonly onFailed: () => void;
  /** Maximum ms for which a caller may stop reading a response. */
  readonly idleMs: number;
  /** Called when the body of a response begins; returns a function to call when it has ended. */
  readonly onBody: () => () => void;
}

/** A request to forward. */
export interface PassedRequest {
  readonly method: string;
  /** Path without a prefix, and query. */
  readonly path: string;
  readonly query: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Aborted when the caller disconnects. */
  readonly signal: AbortSignal;
}

/** The servers that a relay forwards to. */
export class Upstream {
  readonly #options: UpstreamOptions;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /**
   * Forwards a request and returns the response. If the server is unreachable, requests that SDKs
   * make when they start get the last known response, and all others 503.
   */
  async pass(request: PassedRequest): Promise<Response> {
    const { known, onFailed } = this.#options;
    const question = questionOf(request.method, request.path, request.body);
    let response: FetchResponse;
    try {
      response = await this.#fetch(request);
    } catch {
      onFailed();
      return answerFrom(known, question) ?? unavailable();
    }
    if (response.status >= 500 || response.status === 429) {
      const answer = answerFrom(known, question);
      if (answer) {
        await response.body?.cancel();
        return answer;
      }
    }
    return question !== null && response.ok
      ? await this.#remember(question, response)
      : await this.#cleaned(response);
  }

  async #fetch(request: PassedRequest): Promise<FetchResponse> {
    const { method, path, query, headers, body, signal } = request;
    const { fetch, serverUrl, apiKey, baseUrl, baseApiKey, timeoutMs } = this.#options;
    const [url, key] = path === "/graphql" ? [baseUrl, baseApiKey] : [serverUrl, apiKey];
    const sent = new Headers();
    for (const [name, value] of headers) if (!OWN_HEADERS.has(name)) sent.set(name, value);
    if (key !== undefined) sent.set("authorization", basicAuth(key));
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const timer = setTimeout(abort, timeoutMs);
    signal.addEventListener("abort", abort);
    try {
      return await fetch(url + path + query, {
        method,
        headers: sent,
        ...(method === "GET" || method === "HEAD" ? {} : { body }),
        signal: controller.signal,
        // Following a redirect would send the key to another host.
        redirect: "manual",
      });
    } finally {
      clearTimeout(timer);
      // From here on, a disconnecting caller cancels the body.
      signal.removeEventListener("abort", abort);
    }
  }

  async #remember(question: string, response: FetchResponse): Promise<Response> {
    const type = response.headers.get("content-type") ?? "application/json";
    const body = await readText(response, MAX_ERROR_BYTES).catch(() => null);
    if (body === null) return answerFrom(this.#options.known, question) ?? unavailable();
    // A response that repeats a key is not stored on disk.
    if (this.#withoutKeys(body) === body) this.#options.known.set(question, { type, body });
    return new Response(body, { headers: { "content-type": type } });
  }

  #withoutKeys(text: string): string {
    const { apiKey, baseApiKey } = this.#options;
    return redactor(apiKey)(redactor(baseApiKey)(text));
  }

  /** Removes the key from an error, which may repeat the headers of the request. */
  async #cleaned(response: FetchResponse): Promise<Response> {
    const { status } = response;
    const headers = new Headers();
    for (const [name, value] of response.headers) {
      if (!DROPPED_HEADERS.has(name)) headers.append(name, value);
    }
    if (status < 400) {
      const { idleMs, onBody } = this.#options;
      const body = response.body && guardedBody(response.body, idleMs, onBody());
      return new Response(body, { status, headers });
    }
    const text = await readText(response, MAX_ERROR_BYTES).catch(() => "");
    return new Response(this.#withoutKeys(text), { status, headers });
  }
}

function answerFrom(known: KnownAnswers, question: string | null): Response | undefined {
  const answer = question === null ? undefined : known.get(question);
  return answer && new Response(answer.body, { headers: { "content-type": answer.type } });
}

function unavailable(): Response {
  return Response.json(
    { reason: "The trace server cannot be reached", error_type: "RelayUpstreamError" },
    { status: 503, headers: { "retry-after": `${RETRY_AFTER}` } },
  );
}
