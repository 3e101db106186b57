/**
 * Requests in the background, on hosts where a request in flight keeps the program alive.
 *
 * A program that has nothing else to do must end, however much there is to send. So requests that
 * follow one another make a gap from time to time, in which the host finds that the program is
 * over. A request in flight is not given up for that: the server may be working on it, and would
 * get it twice.
 *
 * @module
 */

import { GAP_MS, type HoldTracker } from "../../runtime/network/hold_tracker.ts";
import type { Clock, Fetch } from "../../runtime/runtime.ts";

/** Ms after which requests that follow one another make a gap. */
const GAP_AFTER_MS = 1_000;

/** Options of {@linkcode withGaps}. */
export interface GapOptions {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly holds: HoldTracker;
}

/** `fetch` with gaps between requests that keep the program alive. */
export function withGaps(options: GapOptions): Fetch {
  const gaps = new Gaps(options);
  return (url, init) => gaps.send(url, init);
}

class Gaps {
  readonly #options: GapOptions;
  /** Deno aborts the body only of a response that is still referred to. */
  readonly #reading = new Set<Response>();
  #gap: Promise<void> | null = null;

  constructor(options: GapOptions) {
    this.#options = options;
  }

  async send(url: string, init: RequestInit = {}): Promise<Response> {
    await this.#makeGap();
    const { fetch, clock, holds } = this.#options;
    const release = holds.begin(() => clock.monotonic());
    try {
      const response = await fetch(url, init);
      this.#reading.add(response);
      return watched(response, () => {
        this.#reading.delete(response);
        release();
      });
    } catch (error) {
      release();
      throw error;
    }
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
