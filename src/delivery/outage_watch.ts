/**
 * Notices that this process cannot reach the server, so that what it drains for others can be left to
 * processes that may.
 *
 * @module
 */

import type { Clock, Timer } from "../runtime/runtime.ts";
import type { ServerState } from "./http/circuit_breaker.ts";

/**
 * Ms without a response after which it is left to others. A server that responds with errors may be
 * reacting to a record, which has to be isolated.
 */
const PAUSE_AFTER_MS = 30_000;

/** Facts about the server. */
export interface ServerView {
  readonly isServerSilent: boolean;
  readonly stopped: AbortSignal;
}

/** Calls `pause` when the server is blocked, and again and again while it is silent. */
export class OutageWatch {
  readonly #clock: Clock;
  readonly #server: ServerView;
  readonly #pause: () => void;
  #timer: Timer | null = null;

  /** @param pause Leaves what is drained to others, until the server accepts requests. */
  constructor(clock: Clock, server: ServerView, pause: () => void) {
    this.#clock = clock;
    this.#server = server;
    this.#pause = pause;
  }

  /** To be called at every change of the server's state. */
  serverChanged(state: ServerState): void {
    this.stop();
    if (this.#server.stopped.aborted) return;
    if (state === "down") this.#pauseLater();
    else if (state === "blocked") this.#pause();
  }

  /** Watches no more, until the next change. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Again and again: each probe that is due lets the work begin once more. */
  #pauseLater(): void {
    this.#timer = this.#clock.after(PAUSE_AFTER_MS, () => {
      if (this.#server.isServerSilent) this.#pause();
      this.#pauseLater();
    });
  }
}
