/**
 * Lets reads wait for earlier writes.
 *
 * @module
 */

import type { Sender } from "../../../delivery/sender.ts";
import type { Clock } from "../../../runtime/runtime.ts";
import type { DeliveryWait } from "../pipeline.ts";
import type { PipelineCounters } from "../status/counters.ts";

/** Ms of server errors after which a failed attempt ends the waits of reads. */
const HOPE_MS = 1_000;

/**
 * Waits for the delivery of this process's own records, and ends waits that cannot succeed soon.
 */
export class DeliveryWaits {
  readonly #clock: Clock;
  readonly #counters: PipelineCounters;
  /** The waits in progress. They end if the server is known not to accept requests. */
  readonly #waiting = new Set<AbortController>();

  constructor(clock: Clock, counters: PipelineCounters) {
    this.#clock = clock;
    this.#counters = counters;
  }

  /** Waits until `sender` has delivered everything appended so far, for at most `timeout` ms. */
  async wait(sender: Sender | null, timeout: number): Promise<DeliveryWait> {
    if (sender === null) {
      return { end: this.#counters.appended === 0 ? "delivered" : "sender-off" };
    }
    const wait = new AbortController();
    this.#waiting.add(wait);
    const end = await sender.wait({ timeout, signal: wait.signal }, "own");
    this.#waiting.delete(wait);
    if (end === "done") return { end: "delivered" };
    if (end === "timeout") return { end };
    return { end: "unreachable", reason: this.#counters.server.reason };
  }

  /** Call it when a request has failed or the server has changed its state. */
  attemptEnded(): void {
    const { state, since } = this.#counters.server;
    const downMs = this.#clock.now() - since;
    if (state === "blocked" || (state === "down" && downMs >= HOPE_MS)) {
      for (const wait of this.#waiting) wait.abort();
    }
  }
}
