/**
 * One HTTP attempt: `fetch` with a time limit that covers the answer's body too.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import type { Clock, Fetch } from "../../runtime/runtime.ts";
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
  /**
   * No answer, half an answer, or none in time; `error` says what the host reported, `pause` how
   * many ms the next attempt has to wait at least: a program that has nothing else to do ends then.
   */
  | { readonly kind: "unreachable"; readonly error: string; readonly pause?: number }
  /** The caller stopped it. */
  | { readonly kind: "stopped" };

/** What a transport is made from. */
export interface TransportOptions {
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** Base URL without a trailing slash. */
  readonly serverUrl: string;
  readonly apiKey: string | undefined;
  /** Most ms for one attempt, its answer's body included. */
  readonly timeoutMs: number;
}

/**
 * Ms for an attempt as long as nothing is known of the server. An attempt under way keeps the
 * program alive, and a server that never answers must not keep it for the whole time limit; one that
 * is slow gets twice the time at each attempt, and after an answer four times what it took.
 */
export const FIRST_LIMIT_MS = 3_000;
const PATIENCE = 4;
/** Ms without an attempt after one that ran out of time, and after one that was interrupted. */
const PAUSE_MS = 250, INTERRUPTED_PAUSE_MS = 5_000;

/** Sends requests to one server. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #authorization: string | undefined;
  readonly #underWay = new Set<() => void>();
  /** Ms that the next attempt may take: more after each that ran out of time. */
  #patienceMs = FIRST_LIMIT_MS;

  /** Makes a transport; the key is kept in memory only. */
  constructor(options: TransportOptions) {
    this.#options = options;
    if (options.apiKey !== undefined) this.#authorization = basicAuth(options.apiKey);
  }

  /** Ends the attempts under way as if the server could not be reached. */
  interrupt(): void {
    for (const abort of [...this.#underWay]) abort();
  }

  /** Makes one attempt. Never throws. Redirects are answers: the key goes to no other host. */
  async attempt(request: OutgoingRequest, stop: AbortSignal): Promise<Attempt> {
    const { fetch, clock, serverUrl, timeoutMs } = this.#options;
    if (stop.aborted) return { kind: "stopped" };
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    stop.addEventListener("abort", abort, { once: true });
    this.#underWay.add(abort);
    const limitMs = Math.min(this.#patienceMs, timeoutMs);
    const begun = clock.monotonic();
    let timedOut = false;
    const timer = clock.after(limitMs, () => {
      timedOut = true;
      abort();
    });
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
      this.#patienceMs = Math.max(FIRST_LIMIT_MS, PATIENCE * (clock.monotonic() - begun));
      const wait = retryAfter(response.headers.get("Retry-After"), clock.now());
      return {
        kind: "answer",
        status: response.status,
        text,
        ...(wait === undefined ? {} : { retryAfter: wait }),
      };
    } catch (error) {
      if (stop.aborted) return { kind: "stopped" };
      if (timedOut) {
        this.#patienceMs = Math.min(timeoutMs, limitMs * 2);
        return {
          kind: "unreachable",
          error: `No whole answer within ${limitMs} ms`,
          pause: PAUSE_MS,
        };
      }
      if (controller.signal.aborted) {
        return { kind: "unreachable", error: "Interrupted", pause: INTERRUPTED_PAUSE_MS };
      }
      return { kind: "unreachable", error: describe(error) };
    } finally {
      timer.cancel();
      this.#underWay.delete(abort);
      stop.removeEventListener("abort", abort);
    }
  }
}

/** Value of an `Authorization` header for an API key. */
export function basicAuth(apiKey: string): string {
  const bytes = new TextEncoder().encode(`api:${apiKey}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

/**
 * Name and code of a network error. Its text may hold the URL, so it stays out; where the host gives
 * no code (Deno), the words that end the text of its cause say what it was.
 */
function describe(error: unknown): string {
  // Said by this package itself: it holds no URL.
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
