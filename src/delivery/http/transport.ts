/**
 * One HTTP attempt: `fetch` with a time limit that covers the body of the response too.
 *
 * @module
 */

import { onAbort } from "../async/on_abort.ts";
import { WeaveWalError } from "../../errors.ts";
import { isProtobuf, otelReplyText } from "../../protocol/otlp/otel_reply.ts";
import type { Clock, FetchResponse, OwnFetch } from "../../runtime/runtime.ts";
import { retryAfter } from "./backoff.ts";
import { FormBody } from "./form_body.ts";
import { base64, redactor } from "./redact.ts";
import { OversizeError, readBytes, readText } from "./response_body.ts";

/** A request, the same bytes at every attempt. */
export interface OutgoingRequest {
  /** Path below the server's base URL, with a leading slash. */
  readonly path: string;
  readonly body: Uint8Array<ArrayBuffer> | FormBody;
  /** Sent as `X-Weave-Retry-Id`: the same at every attempt. */
  readonly retryId: string;
  /** Further headers, and a `Content-Type` in place of that of JSON. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A complete response. */
export interface Answer {
  readonly kind: "answer";
  readonly status: number;
  /** The body, without the API key. */
  readonly text: string;
  /** Ms that `Retry-After` asks to wait. */
  readonly retryAfter?: number;
}

/** The outcome of one attempt. */
export type Attempt =
  | Answer
  /** A response that is longer than any response of the trace server. */
  | { readonly kind: "oversize"; readonly status: number; readonly maxBytes: number }
  /**
   * No response, an incomplete one, or none within the time limit; `error` is what the host
   * reported, `pause` the minimum number of ms before the next attempt, so that a program that has
   * nothing else to do ends.
   */
  | { readonly kind: "unreachable"; readonly error: string; readonly pause?: number }
  /** The end of the program interrupted it. */
  | { readonly kind: "interrupted" }
  /** The caller stopped it. */
  | { readonly kind: "stopped" };

/** Options for {@linkcode Transport}. */
export interface TransportOptions {
  readonly fetch: OwnFetch;
  readonly clock: Clock;
  /** Base URL without a trailing slash. */
  readonly serverUrl: string;
  readonly apiKey: string | undefined;
  /** Maximum number of ms for one attempt, including the body of its response. */
  readonly timeoutMs: number;
}

/** Time limit of a health check, ms. It keeps a program alive for this long. */
export const HEALTH_LIMIT_MS = 3_000;
/** Health checks in a row that time out before the limit grows, for a server that is slow. */
const SHORT_CHECKS = 3;
/** Ms without an attempt after one that timed out. */
const PAUSE_MS = 250;
/** Maximum length of the response to a health check, bytes. */
const MAX_HEALTH_BYTES = 64 * 1024;
/** Responses grow with their requests: a table of empty rows is answered with a digest for each. */
const MIN_ANSWER_BYTES = 1024 * 1024, MAX_ANSWER_BYTES = 256 * 1024 * 1024, ANSWER_FACTOR = 16;

/** Sends requests to one server. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #authorization: string | undefined;
  readonly #redact: (text: string) => string;
  readonly #inFlight = new Set<() => void>();
  #answers = false;
  #timeouts = 0;

  /** Creates a transport; the key is kept in memory only. */
  constructor(options: TransportOptions) {
    this.#options = options;
    this.#redact = redactor(options.apiKey);
    if (options.apiKey !== undefined) this.#authorization = basicAuth(options.apiKey);
  }

  /** Base URL of the server. */
  get serverUrl(): string {
    return this.#options.serverUrl;
  }

  /**
   * Whether the server has responded, and no attempt has timed out since. Data is only sent then: a
   * request gets all of `timeoutMs`, and a server that accepts connections and never responds would
   * keep a program alive for as long.
   */
  get answers(): boolean {
    return this.#answers;
  }

  /** Ends the attempts in flight as if the server could not be reached. */
  interrupt(): void {
    for (const abort of [...this.#inFlight]) abort();
  }

  /** Makes one attempt. Never throws. Redirects are responses: no other host gets the key. */
  async attempt(
    { path, body: content, retryId, headers: more }: OutgoingRequest,
    stop: AbortSignal,
  ): Promise<Attempt> {
    const [body, type] = content instanceof FormBody
      ? [content.bytes, content.contentType]
      : [content, "application/json"];
    const headers = { "X-Weave-Retry-Id": retryId, "Content-Type": type, ...more };
    const maxBytes = Math.min(MAX_ANSWER_BYTES, MIN_ANSWER_BYTES + ANSWER_FACTOR * body.length);
    const { timeoutMs } = this.#options;
    return await this.#fetch(path, { method: "POST", headers, body }, timeoutMs, maxBytes, stop);
  }

  /** Gets a small resource that changes nothing, such as `/health`, within a short time. */
  async check(path: string, stop: AbortSignal): Promise<Attempt> {
    const limitMs = Math.min(
      this.#options.timeoutMs,
      HEALTH_LIMIT_MS * 2 ** Math.max(0, this.#timeouts - SHORT_CHECKS + 1),
    );
    const init = { method: "GET", headers: {} };
    return await this.#fetch(path, init, limitMs, MAX_HEALTH_BYTES, stop);
  }

  async #fetch(
    path: string,
    init: RequestInit & { headers: Record<string, string> },
    limitMs: number,
    maxBytes: number,
    stop: AbortSignal,
  ): Promise<Attempt> {
    const { fetch, clock, serverUrl } = this.#options;
    if (stop.aborted) return { kind: "stopped" };
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const forget = onAbort(stop, abort);
    this.#inFlight.add(abort);
    let timedOut = false;
    const timer = clock.after(limitMs, () => {
      timedOut = true;
      abort();
    });
    try {
      if (this.#authorization) init.headers.Authorization = this.#authorization;
      const response = await fetch(serverUrl + path, {
        ...init,
        signal: controller.signal,
        redirect: "manual",
      });
      const { status } = response;
      const text = await textOf(response, maxBytes).catch((error) => {
        if (!(error instanceof OversizeError)) throw error;
        abort();
        return error;
      });
      this.#answers = true;
      this.#timeouts = 0;
      if (text instanceof OversizeError) return { kind: "oversize", status, maxBytes };
      const wait = retryAfter(response.headers.get("Retry-After"), clock.now());
      return {
        kind: "answer",
        status,
        text: status >= 200 && status < 300 ? text : this.#redact(text),
        ...(wait === undefined ? {} : { retryAfter: wait }),
      };
    } catch (error) {
      if (stop.aborted) return { kind: "stopped" };
      if (timedOut) {
        this.#answers = false;
        this.#timeouts++;
        const message = `No complete response within ${limitMs} ms`;
        return { kind: "unreachable", error: message, pause: PAUSE_MS };
      }
      if (controller.signal.aborted) return { kind: "interrupted" };
      return { kind: "unreachable", error: this.#redact(describe(error)) };
    } finally {
      timer.cancel();
      this.#inFlight.delete(abort);
      forget();
    }
  }
}

/** The body of a response as text; that of a serialized message is its JSON text. */
async function textOf(response: FetchResponse, maxBytes: number): Promise<string> {
  if (!isProtobuf(response.headers.get("Content-Type"))) return await readText(response, maxBytes);
  return otelReplyText(await readBytes(response, maxBytes), response.status >= 400);
}

/** Value of an `Authorization` header for an API key. */
export function basicAuth(apiKey: string): string {
  return `Basic ${base64(`api:${apiKey}`)}`;
}

/**
 * Name and code of a network error. Its message may contain the URL, so it is left out; where the
 * host gives no code (Deno), the last words of the message of its cause are used.
 */
function describe(error: unknown): string {
  // A message of this package, without a URL.
  if (error instanceof WeaveWalError) return error.message;
  const { name, code, cause } = (error ?? {}) as { name?: string; code?: string; cause?: unknown };
  const inner = (cause ?? {}) as { code?: string; message?: unknown };
  const why = inner.code ?? code ?? lastWords(inner.message);
  return [name ?? "Error", why].filter((part) => part !== undefined).join(" ");
}

/** `Connection refused` of `… (Connect): tcp connect error: Connection refused (os error 111)`. */
function lastWords(text: unknown): string | undefined {
  return typeof text === "string"
    ? /(?:^|: )([A-Za-z][A-Za-z ]{2,80}?)(?: \(os error \d+\))?$/.exec(text)?.[1]
    : undefined;
}
