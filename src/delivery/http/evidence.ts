/**
 * Distinguishes a failing record from a failing server.
 * A status code cannot: real servers answer some records with 500 every time, and so does any
 * server in an outage. The difference is what else happens in the meantime. If other requests
 * succeed between the failures of one record, it is unlikely that the record failed by chance each
 * time.
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";

/** Probability of coincidence below which a record is at fault. */
const MAX_CHANCE = 1e-4;
/** A short disturbance may affect the same record several times. */
const MIN_FAILURES = 5, MIN_SPAN_MS = 5_000;
/** The same if no other write succeeded in the meantime. */
const MIN_UNSUPPORTED_SPAN_MS = 10_000;
/**
 * Required failures per other failing record before health checks count: the more records fail, the
 * more likely is an outage in which only writes fail. A few failing records are isolated within a
 * minute; hundreds take many hours.
 */
const FAILURES_PER_OTHER = 5;

/** Time constant, in ms, with which past failures of the server decay. */
const RECOVERY_MS = 5 * 60_000;

/** Counts at one point in time. */
export interface Mark {
  /** Number of successful writes. */
  readonly writes: number;
  /** Number of requests without a write that succeeded, and that failed. */
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
  /** Currently failing records. */
  readonly #open = new Set<Suspicion>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ms on the monotonic clock. */
  get now(): number {
    return this.#clock.monotonic();
  }

  /** Number of currently failing records. */
  get failing(): number {
    return this.#open.size;
  }

  /** Whether the last request without a write succeeded. */
  get isWell(): boolean {
    return this.#isWell;
  }

  /** Records a successful write. */
  wrote(): void {
    this.#writes++;
  }

  /** Records the outcome of a request without a write. */
  checked(isWell: boolean): void {
    this.#isWell = isWell;
    if (isWell) this.#checks++;
    else this.#failedChecks++;
  }

  /** Adds a failing record. */
  opened(suspicion: Suspicion): void {
    this.#open.add(suspicion);
  }

  /** Removes a record that no longer fails. */
  closed(suspicion: Suspicion, isDelivered: boolean): void {
    if (this.#open.delete(suspicion) && isDelivered) this.recovered(suspicion.failures);
  }

  /**
   * Notes that a request or a record was delivered after this many failures: the server was at
   * fault.
   */
  recovered(failures: number): void {
    if (failures === 0) return;
    this.#recoveries = this.recoveries + failures;
    this.#recoveredAt = this.now;
  }

  /** Number of failures caused by the server, decaying over time. */
  get recoveries(): number {
    return this.#recoveries * Math.exp((this.#recoveredAt - this.now) / RECOVERY_MS);
  }

  /** Returns the current counts. */
  mark(): Mark {
    return {
      writes: this.#writes,
      checks: this.#checks,
      failedChecks: this.#failedChecks,
    };
  }
}

/** Evidence against one record. */
export class Suspicion {
  readonly #evidence: Evidence;
  readonly #since: Mark;
  #failures = 0;
  #first = 0;
  /** Failures since the last one that asked to wait: only these count against health checks. */
  #unexplained = 0;

  /** @param since Counts just after the first failure of a request with this record. */
  constructor(evidence: Evidence, since: Mark) {
    this.#evidence = evidence;
    this.#since = since;
    evidence.opened(this);
  }

  /** Number of failures of the record in its own request. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether the server has accepted other writes since. */
  get hasWrites(): boolean {
    return this.#evidence.mark().writes > this.#since.writes;
  }

  /**
   * Records a failure of the record in its own request.
   *
   * @param asksToWait Whether it asked to wait (503, 429, …), was not the trace server's (a login
   * page), or came after the server had accepted the request. Only another successful write in the
   * meantime shows that the record is at fault.
   */
  failed(asksToWait: boolean): void {
    if (this.#failures++ === 0) this.#first = this.#evidence.now;
    this.#unexplained = asksToWait ? 0 : this.#unexplained + 1;
  }

  /**
   * Ends the case.
   * @param isDelivered Whether the server accepted the record in the end.
   */
  close(isDelivered: boolean): void {
    this.#evidence.closed(this, isDelivered);
  }

  /** Returns whether the record, not the server, is at fault. */
  isProven(): boolean {
    const now = this.#evidence.mark();
    const writes = now.writes - this.#since.writes;
    if (writes === 0 && !this.#evidence.isWell) return false;
    const span = writes > 0 ? MIN_SPAN_MS : MIN_UNSUPPORTED_SPAN_MS;
    if (this.#evidence.now - this.#first < span) return false;
    const others = this.#evidence.failing - 1;
    if (this.#unexplained < Math.max(MIN_FAILURES, others * FAILURES_PER_OTHER)) {
      return this.#isUnlikely(this.#failures, writes, others);
    }
    const checks = now.checks - this.#since.checks;
    const failed = now.failedChecks - this.#since.failedChecks;
    // Count one check per failure: a check only describes the moment.
    const share = Math.min(1, this.#unexplained / Math.max(1, checks + failed));
    return this.#isUnlikely(this.#unexplained, writes + checks * share, others + failed * share);
  }

  /** Whether a server at fault hardly fails so often, with these other successes and failures. */
  #isUnlikely(failures: number, successes: number, otherFailures: number): boolean {
    return failures >= MIN_FAILURES &&
      chanceOf(failures, successes, otherFailures + this.#evidence.recoveries) <= MAX_CHANCE;
  }
}

/**
 * Returns the probability that `failures` consecutive requests fail, given that `successes` other
 * requests succeeded and `otherFailures` failed: Laplace's rule of succession, applied once per
 * failure.
 */
export function chanceOf(failures: number, successes: number, otherFailures: number): number {
  let chance = 1;
  for (let i = 1; i <= failures; i++) {
    chance *= (otherFailures + i) / (otherFailures + successes + 1 + i);
  }
  return chance;
}
