/**
 * The state of the server as all requests share it: while it is down, one of them probes and the
 * others wait.
 *
 * @module
 */

import type { Clock, Timer } from "../../runtime/runtime.ts";
import { backoff } from "./backoff.ts";

/**
 * `up`: requests go out. `down`: it cannot be reached or asks for patience. `held`: it answers but
 * will not take what is sent (401, 403, a redirect, not a Weave server): somebody must act.
 */
export type ServerState = "up" | "down" | "held";

/** Ms between two probes of a server that holds: the lower end; the upper is the longest backoff. */
export const HELD_PROBE_MS = 15_000;

/** What a gate is made from. */
export interface GateOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Most ms between two probes. */
  readonly maxBackoffMs: number;
  /** Told of every change of state, and why. */
  readonly onState: (state: ServerState, reason: string) => void;
}

/** Lets requests through while the server takes them. */
export class Gate {
  readonly #options: GateOptions;
  #state: ServerState = "up";
  #reason = "";
  #failures = 0;
  #probing = false;
  #timer: Timer | null = null;
  #waiting: (() => void)[] = [];

  /** Makes an open gate. */
  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** The server's state. */
  get state(): ServerState {
    return this.#state;
  }

  /** Resolves when the caller may send: at once, or as the one probe, or when the server is back. */
  async pass(stop: AbortSignal): Promise<void> {
    while (this.#state !== "up" && !stop.aborted) {
      if (!this.#probing && this.#timer === null) {
        this.#probing = true;
        return;
      }
      await this.#change(stop);
    }
  }

  /** The server took or refused a request: it works. */
  succeeded(): void {
    this.#probing = false;
    this.#failures = 0;
    this.#timer?.cancel();
    this.#timer = null;
    this.#set("up", "");
    this.#wake();
  }

  /**
   * The server did not work.
   *
   * @param wait Ms that the server asked for, if it did.
   * @param pause Ms to wait at least.
   */
  failed(state: "down" | "held", reason: string, wait?: number, pause = 0): void {
    const wasProbe = this.#probing;
    this.#set(state, reason);
    // Requests that were under way when the server went down say nothing new.
    if (this.#timer !== null && !wasProbe) return;
    this.#probing = false;
    const { clock, random, maxBackoffMs } = this.#options;
    const jittered = backoff(this.#failures++, maxBackoffMs, random);
    const slow = state === "held" ? Math.min(HELD_PROBE_MS, maxBackoffMs) : 0;
    const delay = Math.max(wait ?? jittered, slow, pause);
    this.#timer?.cancel();
    this.#timer = clock.after(delay, () => {
      this.#timer = null;
      this.#wake();
    });
  }

  /** A probe ended without an answer because its sender stopped: another may probe. */
  abandoned(): void {
    if (!this.#probing) return;
    this.#probing = false;
    this.#wake();
  }

  /** Probes now instead of at the end of the backoff: somebody waits for a flush. */
  hurry(): void {
    if (this.#state !== "down" || this.#timer === null) return;
    this.#timer.cancel();
    this.#timer = null;
    this.#wake();
  }

  /** Takes the timer back; nobody waits any more. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#wake();
  }

  #set(state: ServerState, reason: string): void {
    if (state === this.#state && reason === this.#reason) return;
    const changed = state !== this.#state;
    this.#state = state;
    this.#reason = reason;
    if (changed) this.#options.onState(state, reason);
  }

  #change(stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        stop.removeEventListener("abort", done);
        resolve();
      };
      stop.addEventListener("abort", done, { once: true });
      this.#waiting.push(done);
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
