/**
 * Health checks: small requests that show whether the server responds.
 * @module
 */

import type { Evidence } from "./evidence.ts";
import type { Transport } from "./transport.ts";

/** Result of a health check. */
export type HealthResult =
  /** The server responds. */
  | { readonly kind: "well" }
  /** The server responds with an error. */
  | { readonly kind: "unwell"; readonly reason: string; readonly wait?: number }
  /** The server does not respond. */
  | { readonly kind: "silent"; readonly reason: string; readonly pause?: number }
  | { readonly kind: "stopped" };

/** Ms without an attempt after the end of the program interrupted one. */
export const INTERRUPTED_PAUSE_MS = 5_000;

/** Checks the health of one server; concurrent checks are combined. */
export class Health {
  readonly #transport: Transport;
  readonly #evidence: Evidence;
  readonly #stop: AbortSignal;
  #checking: Promise<HealthResult> | null = null;
  #isSilent = false;

  /** @param stop Ends all checks. */
  constructor(transport: Transport, evidence: Evidence, stop: AbortSignal) {
    this.#transport = transport;
    this.#evidence = evidence;
    this.#stop = stop;
  }

  /** Whether the server has responded, and nothing has timed out since. */
  get isKnown(): boolean {
    return this.#transport.answers;
  }

  /** Whether the last check got no response. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Checks the server's health. */
  async check(stop: AbortSignal): Promise<HealthResult> {
    const result = await (this.#checking ??= this.#check().finally(() => this.#checking = null));
    if (result.kind !== "stopped") this.#isSilent = result.kind === "silent";
    return stop.aborted ? { kind: "stopped" } : result;
  }

  async #check(): Promise<HealthResult> {
    const attempt = await this.#transport.check("/health", this.#stop);
    switch (attempt.kind) {
      case "stopped":
        return { kind: "stopped" };
      case "interrupted":
        return { kind: "silent", reason: "Interrupted", pause: INTERRUPTED_PAUSE_MS };
      case "unreachable":
        this.#evidence.checked(false);
        return { kind: "silent", reason: attempt.error, pause: attempt.pause ?? 0 };
      case "oversize":
        return { kind: "well" };
      case "answer": {
        const { status, retryAfter: wait } = attempt;
        // A server without this route, or one that requires a key for it, is reachable
        // nevertheless.
        if (status < 500 && status !== 429) {
          if (status < 300) this.#evidence.checked(true);
          return { kind: "well" };
        }
        this.#evidence.checked(false);
        return {
          kind: "unwell",
          reason: `HTTP ${status}`,
          ...(wait === undefined ? {} : { wait }),
        };
      }
    }
  }
}
