/**
 * Detects that this process cannot reach the server, so that other processes, which may reach it,
 * can drain the segments of others.
 * @module
 */

import type { Clock, Timer } from "../runtime/runtime.ts";
import type { ServerState } from "./http/circuit_breaker.ts";

/**
 * Ms without a response after which the segments are left to other processes. A server that
 * responds with errors may be failing because of a record, which must be isolated.
 */
const PAUSE_AFTER_MS = 30_000;

/** State of the server. */
export interface ServerView {
  readonly isServerSilent: boolean;
  readonly stopped: AbortSignal;
}

/** Calls `pause` when the server is blocked, and repeatedly while it does not respond. */
export class OutageWatch {
  readonly #clock: Clock;
  readonly #server: ServerView;
  readonly #pause: () => void;
  #timer: Timer | null = null;

  /** @param pause Leaves segments to other processes until the server accepts requests. */
  constructor(clock: Clock, server: ServerView, pause: () => void) {
    this.#clock = clock;
    this.#server = server;
    this.#pause = pause;
  }

  /** Must be called at every change of the server's state. */
  serverChanged(state: ServerState): void {
    this.stop();
    if (this.#server.stopped.aborted) return;
    if (state === "down") this.#pauseLater();
    else if (state === "blocked") this.#pause();
  }

  /** Stops watching until the next change. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Repeats, because each due probe resumes the work once. */
  #pauseLater(): void {
    this.#timer = this.#clock.after(PAUSE_AFTER_MS, () => {
      if (this.#server.isServerSilent) this.#pause();
      this.#pauseLater();
    });
  }
}
