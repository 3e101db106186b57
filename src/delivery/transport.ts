/**
 * One HTTP attempt: `fetch` with a time limit that covers the answer's body too.
 *
 * @module
 */

import type { Clock, Fetch } from "../runtime/runtime.ts";
import { retryAfter } from "./backoff.ts";

/** A request, the same bytes at every attempt. */
export interface OutgoingRequest {
  /** Path below the server's base URL, with a leading slash. */
  readonly path: string;
  readonly body: Uint8Array<ArrayBuffer> | FormData;
  /** Sent as `X-Weave-Retry-Id`: the same at every attempt. */
  readonly retryId: string;
}

/** What came of one attempt. */
export type Attempt =
  | {
    readonly kind: "answer";
    readonly status: number;
    readonly text: string;
    readonly retryAfter?: number;
  }
  /** No answer, half an answer, or none in time; `error` says what the host reported. */
  | { readonly kind: "unreachable"; readonly error: string }
  /** The caller stopped it. */
  | { readonly kind: "stopped" };

/** What a transport is made from. */
export interface TransportOptions {
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** Base URL without a trailing slash. */
  readonly serverUrl: string;
  readonly apiKey: string | undefined;
  /** Ms for one attempt, its answer's body included. */
  readonly timeoutMs: number;
}

/** Sends requests to one server. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #authorization: string | undefined;

  /** Makes a transport; the key is kept in memory only. */
  constructor(options: TransportOptions) {
    this.#options = options;
    if (options.apiKey !== undefined) this.#authorization = basicAuth(options.apiKey);
  }

  /** Makes one attempt. Never throws. Redirects are answers: the key goes to no other host. */
  async attempt(request: OutgoingRequest, stop: AbortSignal): Promise<Attempt> {
    const { fetch, clock, serverUrl, timeoutMs } = this.#options;
    if (stop.aborted) return { kind: "stopped" };
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    stop.addEventListener("abort", abort, { once: true });
    const timer = clock.after(timeoutMs, abort);
    try {
      const headers: Record<string, string> = { "X-Weave-Retry-Id": request.retryId };
      if (!(request.body instanceof FormData)) headers["Content-Type"] = "application/json";
      if (this.#authorization) headers.Authorization = this.#authorization;
      const response = await fetch(serverUrl + request.path, {
        method: "POST",
        headers,
        body: request.body,
        signal: controller.signal,
        redirect: "manual",
      });
      const text = await response.text();
      const wait = retryAfter(response.headers.get("Retry-After"), clock.now());
      return {
        kind: "answer",
        status: response.status,
        text,
        ...(wait === undefined ? {} : { retryAfter: wait }),
      };
    } catch (error) {
      if (stop.aborted) return { kind: "stopped" };
      if (controller.signal.aborted) {
        return { kind: "unreachable", error: `No whole answer within ${timeoutMs} ms` };
      }
      return { kind: "unreachable", error: describe(error) };
    } finally {
      timer.cancel();
      stop.removeEventListener("abort", abort);
    }
  }
}

/** Value of an `Authorization` header for an API key. */
export function basicAuth(apiKey: string): string {
  const bytes = new TextEncoder().encode(`api:${apiKey}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

/** Name and code of a network error; its text may hold the URL's credentials, so it stays out. */
function describe(error: unknown): string {
  const { name, code, cause } = (error ?? {}) as { name?: string; code?: string; cause?: unknown };
  const inner = (cause as { code?: string } | undefined)?.code;
  return [name ?? "Error", inner ?? code].filter((part) => part !== undefined).join(" ");
}
