/**
 * A single HTTP attempt: `fetch` with a time limit that includes the response body.
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

/** A request with the same bytes at every attempt. */
export interface OutgoingRequest {
  /** Path below the server's base URL, with a leading slash. */
  readonly path: string;
  readonly body: Uint8Array<ArrayBuffer> | FormBody;
  /** Sent as `X-Weave-Retry-Id`: the same at every attempt. */
  readonly retryId: string;
  /** Additional headers, including a `Content-Type` other than JSON's. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Complete response. */
export interface Answer {
  readonly kind: "answer";
  readonly status: number;
  /** Body, without the API key. */
  readonly text: string;
  /** Wait requested by `Retry-After`, in ms. */
  readonly retryAfter?: number;
}

/** Outcome of one attempt. */
export type Attempt =
  | Answer
  /** The response exceeds the maximum size of the trace server's responses. */
  | { readonly kind: "oversize"; readonly status: number; readonly maxBytes: number }
  /**
   * No response, an incomplete one, or none within the time limit; `error` is the runtime's error,
   * `pause` the minimum ms before the next attempt, so that an otherwise idle program can end.
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
  /** Time limit of one attempt, including the response body, in ms. */
  readonly timeoutMs: number;
}

/** Time limit of a health check, in ms. It keeps a program alive for this long. */
export const HEALTH_LIMIT_MS = 3_000;
/** Number of consecutive health check timeouts after which the limit grows, for slow servers. */
const SHORT_CHECKS = 3;
/** Ms without an attempt after a timeout. */
const PAUSE_MS = 250;
/** Maximum size of the response to a health check, in bytes. */
const MAX_HEALTH_BYTES = 64 * 1024;
/**
 * Responses grow with their requests: the response to a table of empty rows has a digest per row.
 */
const MIN_ANSWER_BYTES = 1024 * 1024, MAX_ANSWER_BYTES = 256 * 1024 * 1024, ANSWER_FACTOR = 16;

/** Sends requests to one server. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #authorization: string | undefined;
  readonly #redact: (text: string) => string;
  readonly #inFlight = new Set<() => void>();
  #answers = false;
  #timeouts = 0;

  /** Creates a transport; the key is kept only in memory. */
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
   * Whether the server has responded, and no attempt has timed out since. Only then is data sent: a
   * request gets the full `timeoutMs`, and a server that accepts connections but never responds
   * would keep the program alive for that long.
   */
  get answers(): boolean {
    return this.#answers;
  }

  /** Ends the attempts in flight as if the server were unreachable. */
  interrupt(): void {
    for (const abort of [...this.#inFlight]) abort();
  }

  /**
   * Makes one attempt. Never throws. Redirects count as responses, so no other server gets the key.
   */
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

  /** Requests a small resource without side effects, such as `/health`, within a short time. */
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

/** Returns the body of a response as text; a serialized message as its JSON text. */
async function textOf(response: FetchResponse, maxBytes: number): Promise<string> {
  if (!isProtobuf(response.headers.get("Content-Type"))) return await readText(response, maxBytes);
  return otelReplyText(await readBytes(response, maxBytes), response.status >= 400);
}

/** Returns the value of an `Authorization` header for an API key. */
export function basicAuth(apiKey: string): string {
  return `Basic ${base64(`api:${apiKey}`)}`;
}

/**
 * Returns the name and code of a network error. Its message may contain the URL, so it is omitted;
 * if the runtime gives no code (Deno), the last words of the cause's message are used.
 */
function describe(error: unknown): string {
  // Messages of this package contain no URL.
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
