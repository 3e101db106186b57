/**
 * State of the server, shared by all requests: while it is down, health checks detect when it is
 * back, then one request probes it, and all others wait.
 * @module
 */

import { onAbort } from "../async/on_abort.ts";
import type { Clock, Timer } from "../../runtime/runtime.ts";
import { backoff, checkDelay } from "./backoff.ts";
import type { Failure } from "./classify.ts";
import type { Health } from "./health.ts";

/**
 * `up`: requests are sent. `down`: it is unreachable or asks to wait. `blocked`: it responds but
 * does not accept records (401, 403, a redirect, not a trace server, no such project): the user has
 * to act.
 *
 * @example
 * ```ts
 * import type { ServerState } from "@weave-wal/client";
 *
 * const isBlocked = (state: ServerState) => state === "blocked";
 * if (isBlocked("up")) throw new Error();
 * ```
 */
export type ServerState = "up" | "down" | "blocked";

/** Minimum ms between two probes of a blocked server. */
export const BLOCKED_PROBE_MS = 15_000;

/** Options for {@linkcode CircuitBreaker}. */
export interface CircuitBreakerOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Maximum ms between two probes. */
  readonly maxBackoffMs: number;
  readonly health: Health;
  /** Called at every change of state, with the reason. */
  readonly onState: (state: ServerState, reason: string) => void;
  /** Called for every failure, including health checks, with the reason. */
  readonly onFailure: (reason: string) => void;
}

/** Parts of a failure that determine the server's state. */
export type ServerFailure = Pick<Failure, "state" | "reason" | "wait" | "pause" | "maxDelay">;

/** Lets requests pass while the server accepts them. */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #state: ServerState = "up";
  #reported: ServerState = "up";
  #failures = 0;
  /** Whether a health check or a probe is in progress. */
  #probing = false;
  #timer: Timer | null = null;
  /** Time at which the timer fires, on the monotonic clock. */
  #timerDue = 0;
  /**
   * Time before which no request is sent to a server that answers health checks but fails writes.
   */
  #requestDue = 0;
  #waiting: (() => void)[] = [];
  /** Reasons why the server rejects some records while it accepts others. */
  readonly #holds = new Set<{ readonly reason: string }>();

  /** Creates a closed circuit breaker: requests pass. */
  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  /** The server's state. */
  get state(): ServerState {
    return this.#reported;
  }

  /** Whether a request would be sent now: the server is up, or a probe is due. */
  get acceptsRequests(): boolean {
    return this.#state === "up" || (!this.#probing && this.#timer === null);
  }

  /** Ms until the next attempt; `null` while the server is up. */
  get msToNextAttempt(): number | null {
    if (this.#state === "up") return null;
    return this.#timer === null ? 0 : Math.max(0, this.#timerDue - this.#options.clock.monotonic());
  }

  /**
   * Resolves when the caller may send or `stop` is aborted: at once, after a health check, as the
   * only probe, or when the server is back.
   * @returns Whether the caller is the probe. It must then report the outcome to `succeeded`,
   * `failed` or `releaseProbe`.
   */
  async acquire(stop: AbortSignal): Promise<boolean> {
    const { health } = this.#options;
    while (!stop.aborted) {
      if (this.#state === "up" && health.isKnown) return false;
      if (this.#probing || this.#timer !== null) {
        await this.#change(stop);
        continue;
      }
      this.#probing = true;
      if (await this.#isReady(stop)) {
        if (this.#state !== "up") return true;
        this.#probing = false;
        this.#wake();
      }
    }
    return false;
  }

  /** Reports that the server accepted or rejected a request, and therefore works. */
  succeeded(): void {
    this.#probing = false;
    this.#failures = 0;
    this.#timer?.cancel();
    this.#timer = null;
    this.#state = "up";
    this.#report("");
    this.#wake();
  }

  /**
   * Reports that a request failed because of the server.
   * @param wasProbe Whether the request was the probe.
   */
  failed(failure: ServerFailure, wasProbe: boolean): void {
    const { clock, random, maxBackoffMs } = this.#options;
    const { state, reason, wait, pause = 0, maxDelay = Infinity } = failure;
    this.noticed(reason);
    // Requests in flight when the server went down add no information.
    if (this.#state !== "up" && !wasProbe) return;
    this.#state = state;
    this.#report(reason);
    const slow = state === "blocked" ? Math.min(BLOCKED_PROBE_MS, maxBackoffMs) : 0;
    const chosen = wait ?? Math.min(backoff(this.#failures++, maxBackoffMs, random), maxDelay);
    const delay = Math.max(chosen, slow, pause);
    this.#requestDue = clock.monotonic() + delay;
    const soon = state === "down" && wait === undefined;
    this.#checkIn(soon ? this.#sooner(delay, pause) : delay);
  }

  /** Reports a failed request that does not determine the server's state. */
  noticed(reason: string): void {
    this.#options.onFailure(reason);
  }

  /**
   * Reports that some records wait for the user to act while others pass: the server is reported as
   * blocked until the returned function is called.
   */
  hold(reason: string): () => void {
    const hold = { reason };
    this.#holds.add(hold);
    this.#report(reason);
    return () => {
      this.#holds.delete(hold);
      this.#report("");
    };
  }

  /**
   * Reports that a probe ended without a result because its sender stopped: another request may
   * probe.
   */
  releaseProbe(): void {
    this.#probing = false;
    this.#wake();
  }

  /**
   * Probes now instead of at the end of the backoff: the user waits for a flush.
   *
   * @param evenIfBlocked Whether to probe while the server rejects requests: the user asks for it,
   * who may have fixed the reason.
   */
  probeNow(evenIfBlocked = false): void {
    if (this.#state === "up" || this.#timer === null) return;
    if (this.#state === "blocked" && !evenIfBlocked) return;
    this.#requestDue = 0;
    this.#timer.cancel();
    this.#timer = null;
    this.#wake();
  }

  /** Cancels the timer and ends all waits. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#wake();
  }

  /** Checks the server's health, and schedules the next check if no request should be sent now. */
  async #isReady(stop: AbortSignal): Promise<boolean> {
    const { clock, health, random, maxBackoffMs } = this.#options;
    const result = await health.check(stop);
    switch (result.kind) {
      case "stopped":
        this.releaseProbe();
        return false;
      case "well":
        return true;
      case "silent":
        this.failed({ state: "down", ...result }, true);
        return false;
      case "unwell": {
        const left = this.#requestDue - clock.monotonic();
        if (left <= 0) return true;
        this.noticed(result.reason);
        const delay = backoff(this.#failures++, maxBackoffMs, random);
        this.#checkIn(Math.min(left, result.wait ?? this.#sooner(delay, 0)));
        return false;
      }
    }
  }

  /** A health check is cheap, so it comes earlier than a request would. */
  #sooner(delay: number, pause: number): number {
    return Math.max(Math.min(delay, checkDelay(this.#options.random)), pause);
  }

  #checkIn(ms: number): void {
    this.#probing = false;
    this.#timer?.cancel();
    const { clock } = this.#options;
    this.#timerDue = clock.monotonic() + ms;
    this.#timer = clock.after(ms, () => {
      this.#timer = null;
      this.#wake();
    });
  }

  #report(reason: string): void {
    const [hold] = this.#holds;
    const isHeld = this.#state === "up" && hold !== undefined;
    const state = isHeld ? "blocked" : this.#state;
    if (state === this.#reported) return;
    this.#reported = state;
    this.#options.onState(state, isHeld ? hold.reason : reason);
  }

  #change(stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        forget();
        resolve();
      };
      const forget = onAbort(stop, done);
      this.#waiting.push(done);
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
