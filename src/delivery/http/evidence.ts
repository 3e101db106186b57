/**
 * Tells a record that fails from a server that fails.
 *
 * A status does not: a real server answers some records with 500 every time, and so does any server
 * in an outage. What tells them apart is what else happened meanwhile. If other requests succeed
 * between the failures of one record, it is improbable that chance made this one fail each time.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";

/** Probability of a coincidence below which a record is to blame. */
const MAX_CHANCE = 1e-4;
/** A short disturbance may meet the same record several times. */
const MIN_FAILURES = 5, MIN_SPAN_MS = 5_000;
/** The same where no other write succeeded meanwhile. */
const MIN_UNSUPPORTED_SPAN_MS = 10_000;
/**
 * Other records that may fail too for health checks to count: with more of them, it may be an outage
 * in which only writes fail.
 */
const MAX_OTHERS_FOR_CHECKS = 3;

/** Counts of what requests came to, at one moment. */
export interface Mark {
  readonly writes: number;
  readonly checks: number;
  readonly failures: number;
  /** Ms on the monotonic clock. */
  readonly at: number;
}

/** Counts what requests to one server come to. */
export class Evidence {
  readonly #clock: Clock;
  #writes = 0;
  #checks = 0;
  #failures = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The server took a write. */
  wrote(): void {
    this.#writes++;
  }

  /** A request that writes nothing succeeded. */
  checked(): void {
    this.#checks++;
  }

  /** A request failed that had not failed before. */
  failed(): void {
    this.#failures++;
  }

  /** The counts now. */
  mark(): Mark {
    return {
      writes: this.#writes,
      checks: this.#checks,
      failures: this.#failures,
      at: this.#clock.monotonic(),
    };
  }
}

/** The case against one record. */
export class Suspicion {
  readonly #evidence: Evidence;
  readonly #since: Mark;
  #failures = 0;
  #first = 0;

  /** @param since Before the first failure of a request with this record, or just after it. */
  constructor(evidence: Evidence, since: Mark = evidence.mark()) {
    this.#evidence = evidence;
    this.#since = since;
  }

  /** How often the record failed in a request of its own. */
  get failures(): number {
    return this.#failures;
  }

  /** The record failed in a request of its own. */
  failed(): void {
    if (this.#failures++ > 0) return;
    this.#evidence.failed();
    this.#first = this.#evidence.mark().at;
  }

  /**
   * Whether the record is to blame, not the server.
   *
   * @param asksToWait Whether the last failure asked for patience (503, 429, …) or was not the trace
   *   server's (a login page). Only another write that succeeded meanwhile refutes that.
   */
  isProven(asksToWait: boolean): boolean {
    const now = this.#evidence.mark();
    const writes = now.writes - this.#since.writes;
    // Its own first failure is among them.
    const others = Math.max(0, now.failures - this.#since.failures - 1);
    const countsChecks = !asksToWait && others <= MAX_OTHERS_FOR_CHECKS;
    // One for each failure: what a check shows holds for the moment.
    const checks = countsChecks ? Math.min(now.checks - this.#since.checks, this.#failures) : 0;
    return this.#failures >= MIN_FAILURES &&
      now.at - this.#first >= (writes > 0 ? MIN_SPAN_MS : MIN_UNSUPPORTED_SPAN_MS) &&
      chanceOf(this.#failures, writes + checks, others) <= MAX_CHANCE;
  }
}

/**
 * The probability that `failures` requests in a row fail where, of other requests, `successes`
 * succeeded and `otherFailures` failed: Laplace's rule of succession, once for each.
 */
export function chanceOf(failures: number, successes: number, otherFailures: number): number {
  let chance = 1;
  for (let i = 1; i <= failures; i++) {
    chance *= (otherFailures + i) / (otherFailures + successes + 1 + i);
  }
  return chance;
}
