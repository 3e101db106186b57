/**
 * Waits of reads for what was written before them.
 *
 * @module
 */

import type { Sender } from "../../../delivery/sender.ts";
import type { Clock } from "../../../runtime/runtime.ts";
import type { DeliveryWait } from "../pipeline.ts";
import type { PipelineCounters } from "../status/counters.ts";

/** Ms of server errors after which a failed attempt ends the waits of reads. */
const HOPE_MS = 1_000;

/** Waits for the delivery of this process's own records, and ends the waits that have no hope. */
export class DeliveryWaits {
  readonly #clock: Clock;
  readonly #counters: PipelineCounters;
  /** Each is waiting: nobody is left waiting for a server that is known not to take requests. */
  readonly #waiting = new Set<AbortController>();

  /** Creates one without waits. */
  constructor(clock: Clock, counters: PipelineCounters) {
    this.#clock = clock;
    this.#counters = counters;
  }

  /** Waits until `sender` has delivered what was appended so far, `timeout` ms at most. */
  async wait(sender: Sender | null, timeout: number): Promise<DeliveryWait> {
    if (sender === null) {
      return { end: this.#counters.appended === 0 ? "delivered" : "sender-off" };
    }
    const wait = new AbortController();
    this.#waiting.add(wait);
    const end = await sender.wait(timeout, wait.signal, "own");
    this.#waiting.delete(wait);
    if (end === "done") return { end: "delivered" };
    if (end === "timeout") return { end };
    return { end: "unreachable", reason: this.#counters.server.reason };
  }

  /** To be called when a request has failed, or the server has changed its state. */
  attemptEnded(): void {
    const { state, since } = this.#counters.server;
    const downMs = this.#clock.now() - since;
    if (state === "blocked" || (state === "down" && downMs >= HOPE_MS)) {
      for (const wait of this.#waiting) wait.abort();
    }
  }
}
