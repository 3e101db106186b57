/**
 * Background requests, on runtimes where a request in flight keeps the program alive.
 *
 * A program with nothing else to do must end, however much is left to send. So consecutive requests
 * leave a gap from time to time, in which the runtime notices that the program can end. A request
 * in flight is not aborted for that: the server may be processing it, and would receive it twice.
 *
 * @module
 */

import { GAP_MS, type HoldTracker } from "../../runtime/network/hold_tracker.ts";
import type { Clock, Fetch } from "../../runtime/runtime.ts";

/** Ms of consecutive requests after which to leave a gap. */
const GAP_AFTER_MS = 1_000;

/** Options for {@linkcode withGaps}. */
export interface GapOptions {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly holds: HoldTracker;
}

/** Returns `fetch` with gaps between requests that keep the program alive. */
export function withGaps(options: GapOptions): Fetch {
  const gaps = new Gaps(options);
  return (url, init) => gaps.send(url, init);
}

class Gaps {
  readonly #options: GapOptions;
  /** Deno aborts only the bodies of responses that are still referenced. */
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

  /**
   * Leaves a gap from time to time, in which the runtime can notice that the program has nothing
   * else to do.
   */
  async #makeGap(): Promise<void> {
    const { clock, holds } = this.#options;
    const isDue = holds.count > 0 && clock.monotonic() - holds.since > GAP_AFTER_MS;
    if (this.#gap === null && isDue) {
      this.#gap = holds.idle()
        // A timer that does not keep the program alive: while it is pending, the program can end.
        .then(() => new Promise<void>((resolve) => void clock.after(GAP_MS + 1, resolve)))
        .then(() => void (this.#gap = null));
    }
    if (this.#gap !== null) await this.#gap;
  }
}

/** Returns the response; `ended` is called when its body was read, failed or was canceled. */
function watched(response: Response, ended: () => void): Response {
  const { body, status, statusText, headers } = response;
  // Other statuses have no body, and a response with a body cannot be constructed for them.
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
