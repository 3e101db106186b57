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
 * Failures for each other record that fails too, before health checks count: the more records fail,
 * the more likely is an outage in which only writes fail. A handful of them is isolated within a
 * minute; hundreds wait for many hours.
 */
const FAILURES_PER_OTHER = 5;

/** Ms in which failures of the server are forgotten: by two thirds. */
const RECOVERY_MS = 5 * 60_000;

/** The counts at one moment. */
export interface Mark {
  /** Writes that succeeded. */
  readonly writes: number;
  /** Requests that wrote nothing, and succeeded or failed. */
  readonly checks: number;
  readonly failedChecks: number;
}

/** Counts the outcomes of requests to one server. */
export class Evidence {
  readonly #clock: Clock;
  #writes = 0;
  #checks = 0;
  #failedChecks = 0;
  #recoveries = 0;
  #recoveredAt = 0;
  #isWell = true;
  /** Records that fail now. */
  readonly #open = new Set<Suspicion>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ms on the monotonic clock. */
  get now(): number {
    return this.#clock.monotonic();
  }

  /** Records that fail now. */
  get failing(): number {
    return this.#open.size;
  }

  /** Whether the last request that wrote nothing succeeded. */
  get isWell(): boolean {
    return this.#isWell;
  }

  /** The server took a write. */
  wrote(): void {
    this.#writes++;
  }

  /** A request that writes nothing succeeded, or failed. */
  checked(isWell: boolean): void {
    this.#isWell = isWell;
    if (isWell) this.#checks++;
    else this.#failedChecks++;
  }

  /** A record fails. */
  opened(suspicion: Suspicion): void {
    this.#open.add(suspicion);
  }

  /** A record does not fail any more. */
  closed(suspicion: Suspicion, isDelivered: boolean): void {
    if (this.#open.delete(suspicion) && isDelivered) this.recovered(suspicion.failures);
  }

  /** A request or a record that had failed so often was delivered: the server was to blame. */
  recovered(failures: number): void {
    if (failures === 0) return;
    this.#recoveries = this.recoveries + failures;
    this.#recoveredAt = this.now;
  }

  /** Failures that the server was to blame for, the fewer the longer ago. */
  get recoveries(): number {
    return this.#recoveries * Math.exp((this.#recoveredAt - this.now) / RECOVERY_MS);
  }

  /** The counts now. */
  mark(): Mark {
    return {
      writes: this.#writes,
      checks: this.#checks,
      failedChecks: this.#failedChecks,
    };
  }
}

/** The case against one record. */
export class Suspicion {
  readonly #evidence: Evidence;
  readonly #since: Mark;
  #failures = 0;
  #first = 0;

  /** @param since Just after the first failure of a request with this record. */
  constructor(evidence: Evidence, since: Mark) {
    this.#evidence = evidence;
    this.#since = since;
    evidence.opened(this);
  }

  /** Failures of the record in a request of its own. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether the server took other writes since. */
  get hasWrites(): boolean {
    return this.#evidence.mark().writes > this.#since.writes;
  }

  /** The record failed in a request of its own. */
  failed(): void {
    if (this.#failures++ === 0) this.#first = this.#evidence.now;
  }

  /**
   * The case is over.
   *
   * @param isDelivered Whether the server took the record in the end.
   */
  close(isDelivered: boolean): void {
    this.#evidence.closed(this, isDelivered);
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
    if (writes === 0 && !this.#evidence.isWell) return false;
    const others = this.#evidence.failing - 1;
    const span = writes > 0 ? MIN_SPAN_MS : MIN_UNSUPPORTED_SPAN_MS;
    if (this.#failures < MIN_FAILURES || this.#evidence.now - this.#first < span) return false;
    let successes = writes;
    let failures = others + this.#evidence.recoveries;
    if (!asksToWait && this.#failures >= others * FAILURES_PER_OTHER) {
      const checks = now.checks - this.#since.checks;
      const failed = now.failedChecks - this.#since.failedChecks;
      // One check for each failure: what a check shows holds for the moment.
      const share = Math.min(1, this.#failures / Math.max(1, checks + failed));
      successes += checks * share;
      failures += failed * share;
    }
    return chanceOf(this.#failures, successes, failures) <= MAX_CHANCE;
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
