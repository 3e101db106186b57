/**
 * Requests in the background, on hosts where a request under way keeps the program alive.
 *
 * A program that has nothing else to do must end within a bound, whatever the network does. So each
 * request has a time limit, and requests that follow one another without a gap make one from time to
 * time, in which the host finds that the program is over. The limit grows for a server that is slow
 * and can be reached; one that does not answer at all keeps the short one.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import { GAP_MS, type HoldTracker } from "../../runtime/network/hold_tracker.ts";
import type { Clock, Fetch } from "../../runtime/runtime.ts";

/** Ms after which requests that follow one another make a gap. */
const GAP_AFTER_MS = 1_000;
/** Most ms for a request to a server that is known to be slow. */
const MAX_LIMIT_MS = 30_000;
/** Quick answers after which a server counts as quick again. */
const QUICK_ANSWERS = 8;

/** Options of {@linkcode limitHolds}. */
export interface LimitOptions {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly holds: HoldTracker;
  /** Ms that a request may take before it is given up. */
  readonly holdMs: number;
}

/** What is known of a server. */
interface Patience {
  limitMs: number;
  quickAnswers: number;
  /** Whether the last request ran out of time, and it is not known whether the server is there. */
  suspect: boolean;
}

/** `fetch` with requests that keep the program alive for a limited time only. */
export function limitHolds(options: LimitOptions): Fetch {
  const limited = new LimitedFetch(options);
  return (url, init) => limited.send(url, init);
}

class LimitedFetch {
  readonly #options: LimitOptions;
  readonly #servers = new Map<string, Patience>();
  /** Deno aborts the body only of a response that is still referred to. */
  readonly #reading = new Set<Response>();
  #gap: Promise<void> | null = null;

  constructor(options: LimitOptions) {
    this.#options = options;
  }

  async send(url: string, init: RequestInit = {}): Promise<Response> {
    const { origin } = new URL(url);
    let server = this.#servers.get(origin);
    if (!server) {
      server = { limitMs: this.#options.holdMs, quickAnswers: 0, suspect: false };
      this.#servers.set(origin, server);
    }
    await this.#makeGap();
    if (server.suspect) await this.#probe(url, server, init.signal);
    return await this.#attempt(url, init, server);
  }

  /** Asks a server that ran out of time whether it is there at all, with a request that does nothing. */
  async #probe(
    url: string,
    server: Patience,
    signal: AbortSignal | null | undefined,
  ): Promise<void> {
    const init: RequestInit = { method: "HEAD", redirect: "manual", ...(signal ? { signal } : {}) };
    const { holdMs } = this.#options;
    const answer = await this.#attempt(url, init, { ...server, limitMs: holdMs });
    await answer.body?.cancel();
    server.suspect = false;
    server.quickAnswers = 0;
    server.limitMs = Math.min(server.limitMs * 2, MAX_LIMIT_MS);
  }

  async #attempt(url: string, init: RequestInit, server: Patience): Promise<Response> {
    const { fetch, clock, holds } = this.#options;
    const { limitMs } = server;
    const controller = new AbortController();
    const abort = (): void => controller.abort(init.signal?.reason);
    if (init.signal?.aborted) abort();
    init.signal?.addEventListener("abort", abort);
    const begun = clock.monotonic();
    const release = holds.begin(() => clock.monotonic());
    let late: WeaveWalError | null = null;
    const timer = clock.after(limitMs, () => {
      server.suspect = true;
      late = new WeaveWalError("ERR_REQUEST_FAILED", `No whole answer within ${limitMs} ms`);
      controller.abort(late);
    });
    const end = (): void => {
      timer.cancel();
      init.signal?.removeEventListener("abort", abort);
      release();
    };
    try {
      const response = await fetch(url, { ...init, signal: controller.signal });
      this.#reading.add(response);
      return watched(response, () => {
        this.#reading.delete(response);
        end();
        if (!controller.signal.aborted) this.#answered(server, clock.monotonic() - begun);
      });
    } catch (error) {
      end();
      throw late ?? error;
    }
  }

  #answered(server: Patience, ms: number): void {
    const { holdMs } = this.#options;
    server.suspect = false;
    server.quickAnswers = ms < holdMs / 2 ? server.quickAnswers + 1 : 0;
    if (server.quickAnswers >= QUICK_ANSWERS) server.limitMs = holdMs;
  }

  /** Lets the host see, now and then, whether the program has anything else to do. */
  async #makeGap(): Promise<void> {
    const { clock, holds } = this.#options;
    const isDue = holds.count > 0 && clock.monotonic() - holds.since > GAP_AFTER_MS;
    if (this.#gap === null && isDue) {
      this.#gap = holds.idle()
        // A timer that does not keep the program: over it, the host notices that it may end.
        .then(() => new Promise<void>((resolve) => void clock.after(GAP_MS + 1, resolve)))
        .then(() => void (this.#gap = null));
    }
    if (this.#gap !== null) await this.#gap;
  }
}

/** The response; `ended` is called when its body was read, failed or was given up. */
function watched(response: Response, ended: () => void): Response {
  const { body, status, statusText, headers } = response;
  // The other statuses have no body, and a response with a body cannot be made of them.
  if (body === null || status < 200 || [204, 205, 304].includes(status)) {
    ended();
    return response;
  }
  const reader = body.getReader();
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        ended();
        controller.close();
      } catch (error) {
        ended();
        controller.error(error);
      }
    },
    async cancel(reason) {
      ended();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  return new Response(stream, { status, statusText, headers });
}
