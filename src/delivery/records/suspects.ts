/**
 * Records that failed in their own request while the rest of their batch is delivered.
 * They are retried in rounds, each after a health check, until they are delivered, rejected, or
 * proven to be at fault. During an outage no record is.
 * @module
 */

import { onAbort } from "../async/on_abort.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { BatchRecord } from "../../wal/record/record_batch.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { DeliveredRecords } from "../drain/delivered_records.ts";
import { runConcurrently } from "../async/run_concurrently.ts";
import { CHECK_MS, checkDelay } from "../http/backoff.ts";
import type { CircuitBreaker } from "../http/circuit_breaker.ts";
import type { Refusal } from "../http/classify.ts";
import { type Evidence, type Mark, Suspicion } from "../http/evidence.ts";
import type { Health } from "../http/health.ts";
import type { Projects } from "../http/projects.ts";
import { type SendOutcome, type SentRequest, Stopped } from "../http/send_with_retry.ts";
import { deadLetterOf } from "./dead_letters.ts";
import { projectOf } from "./project_of.ts";

/** Failed record. */
export interface Suspect {
  readonly record: BatchRecord;
  /** Key that this record shares with records that must wait for it. */
  readonly key?: string;
  /** Sends it again; `again` is the request that failed. */
  readonly attempt: (again: SentRequest | undefined) => Promise<SendOutcome>;
  /** Counts just after the first failure of a request with it. */
  readonly since: Mark;
}

/** Dependencies of {@linkcode Suspects}. */
export interface SuspectsDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly evidence: Evidence;
  readonly breaker: CircuitBreaker;
  readonly health: Health;
  readonly projects: Projects;
  readonly delivered: DeliveredRecords;
  readonly stop: AbortSignal;
  /** Maximum ms between two attempts. */
  readonly maxBackoffMs: number;
  /** Maximum number of requests in flight. */
  readonly maxInFlight: number;
}

/**
 * Sends records that wait for a suspect; called with the suspect's dead letter, if it became one.
 */
type Follower = (cause: DeadLetter | undefined) => Promise<DeadLetter[]>;

interface Case {
  readonly suspect: Suspect;
  readonly suspicion: Suspicion;
  /** Send the records that wait for it. */
  readonly followers: Follower[];
  failure: Failed;
}

type Failed = Extract<SendOutcome, { kind: "failure" }>;

/** Ms between the first two rounds; doubled for each further round. */
const FIRST_PAUSE_MS = 100;
/** Maximum ms between two rounds, and the number of rounds after which it grows. */
const MAX_PAUSE_MS = 1_500, QUICK_ROUNDS = 60;
/** Maximum number of records per round: in an outage, a whole batch may be suspect. */
const MAX_TRIED = 16;

/** Suspects of one delivery. */
export class Suspects {
  readonly #deps: SuspectsDeps;
  #cases: Case[] = [];
  readonly #open = new Set<Suspicion>();
  /** Records whose project was found after their rejection: they are sent again, once. */
  readonly #sentAgain = new WeakSet<BatchRecord>();

  constructor(deps: SuspectsDeps) {
    this.#deps = deps;
  }

  /** Returns the current counts of request outcomes. */
  mark(): Mark {
    return this.#deps.evidence.mark();
  }

  /** Notes that the server has accepted records. */
  accepted(records: readonly BatchRecord[]): void {
    this.#deps.delivered.add(records);
  }

  /** Number of records that fail in their own requests. */
  get failing(): number {
    return this.#open.size;
  }

  /** Notes that all records of a failed batch were delivered in parts. */
  recovered(): void {
    this.#deps.evidence.recovered(1);
  }

  /** Adds a record that failed in its own request. */
  add(suspect: Suspect, failure: Failed): void {
    const suspicion = new Suspicion(this.#deps.evidence, suspect.since);
    suspicion.failed(failure.asksToWait);
    this.#open.add(suspicion);
    this.#cases.push({ suspect, suspicion, followers: [], failure });
  }

  /**
   * Makes `send` wait for the suspect with this key.
   * @returns Whether there is one.
   */
  defer(key: string, send: Follower): boolean {
    const found = this.#cases.find(({ suspect }) => suspect.key === key);
    found?.followers.push(send);
    return found !== undefined;
  }

  /**
   * Runs `send`, which adds suspects, then retries these until each is decided.
   * @returns All dead letters. If it rejects, the suspects are discarded: they are sent in another
   * way, or later.
   */
  async settle(send: () => Promise<DeadLetter[]>): Promise<DeadLetter[]> {
    try {
      return [...await send(), ...await this.#settle()];
    } finally {
      for (const suspicion of this.#open) suspicion.close(false);
    }
  }

  async #settle(): Promise<DeadLetter[]> {
    const deadLetters: DeadLetter[] = [];
    for (let round = 0; this.#cases.length > 0; round++) {
      await this.#pause(this.#delay(round));
      if (!await this.#isReachable()) continue;
      const tried = this.#cases.splice(0, MAX_TRIED);
      const results = await runConcurrently(
        tried.map((one) => () => this.#retry(one)),
        this.#deps.maxInFlight,
      );
      deadLetters.push(...results.flat());
    }
    return deadLetters;
  }

  /**
   * Returns whether a record was rejected because its project is or was missing on the server. If
   * so, the record waits, and this resolves when it may be retried.
   */
  async isProjectMissing(record: BatchRecord, refusal: Refusal): Promise<boolean> {
    const { projects, stop, breaker, random, maxBackoffMs } = this.#deps;
    const project = projectOf(record);
    if (!refusal.notFound || project === undefined || projects.has(project)) return false;
    let release: (() => void) | undefined;
    try {
      for (;;) {
        const state = await projects.ask(project, stop);
        if (stop.aborted) throw new Stopped("Stopped while sending");
        if (state.kind === "exists") {
          // The project may have been created after the rejection.
          if (this.#sentAgain.has(record)) return false;
          this.#sentAgain.add(record);
          return true;
        }
        // Once the project was missing, only sending the record again shows the current state.
        if (state.kind === "unknown") return release !== undefined;
        if (state.kind === "missing") {
          const reason = `HTTP ${refusal.status}: ${state.message}`;
          release ??= breaker.hold(reason);
          breaker.noticed(reason);
        }
        await this.#pause(Math.min(checkDelay(random), maxBackoffMs));
      }
    } finally {
      release?.();
    }
  }

  async #retry(one: Case): Promise<DeadLetter[]> {
    const { suspect: { record, attempt }, suspicion, followers } = one;
    const verdict = await attempt(one.failure.request);
    if (verdict.kind === "failure") {
      suspicion.failed(verdict.asksToWait);
      one.failure = verdict;
      if (!suspicion.isProven()) {
        this.#cases.push(one);
        return [];
      }
      // The proof is based on the server working.
      this.#deps.breaker.succeeded();
    }
    this.#open.delete(suspicion);
    suspicion.close(verdict.kind === "done");
    if (verdict.kind === "done") this.accepted([record]);
    const deadLetters = verdict.kind === "done"
      ? []
      : [deadLetterOf(record, verdict, suspicion.failures)];
    const [cause] = deadLetters;
    for (const send of followers) deadLetters.push(...await send(cause));
    return deadLetters;
  }

  /** Returns whether the server responds; collects evidence. */
  async #isReachable(): Promise<boolean> {
    const { health, breaker, projects, stop } = this.#deps;
    const result = await health.check(stop);
    if (result.kind === "stopped") throw new Stopped("Stopped while sending");
    if (result.kind === "silent") {
      breaker.failed({ state: "down", ...result }, false);
      return false;
    }
    // If no write succeeds, health checks are the evidence, but a server with failing storage
    // answers these too.
    const lacking = this.#cases.find(({ suspicion }) => !suspicion.hasWrites);
    const project = lacking && projectOf(lacking.suspect.record);
    if (result.kind === "well" && project !== undefined) await projects.ask(project, stop);
    return true;
  }

  #delay(round: number): number {
    const { random, maxBackoffMs } = this.#deps;
    const wait = Math.max(...this.#cases.map(({ failure }) => failure.wait ?? 0));
    const limit = round < QUICK_ROUNDS ? MAX_PAUSE_MS : CHECK_MS;
    const base = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(round, 20), limit);
    const jittered = base / 2 * (1 + random());
    return Math.max(wait, Math.min(jittered, Math.max(maxBackoffMs, MAX_PAUSE_MS)));
  }

  async #pause(ms: number): Promise<void> {
    const { clock, stop } = this.#deps;
    if (!stop.aborted) {
      await new Promise<void>((resolve) => {
        const timer = clock.after(ms, done);
        const forget = onAbort(stop, done);
        function done(): void {
          timer.cancel();
          forget();
          resolve();
        }
      });
    }
    if (stop.aborted) throw new Stopped("Stopped while sending");
  }
}
