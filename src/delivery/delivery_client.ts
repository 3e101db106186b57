/**
 * Delivers batches of records to one server.
 *
 * @module
 */

import type { Clock, OwnFetch } from "../runtime/runtime.ts";
import type { RecordBatch } from "../wal/record/record_batch.ts";
import type { DigestMap } from "../wal/digest_map.ts";
import type { PendingStarts } from "./calls/pending_starts.ts";
import type { CallRouteName } from "./calls/call_load.ts";
import { isOtelType } from "../protocol/otlp/otel_request.ts";
import { CallSender, type Send, type SendContext } from "./calls/call_sender.ts";
import { CircuitBreaker, type ServerState } from "./http/circuit_breaker.ts";
import { Evidence } from "./http/evidence.ts";
import { Health } from "./http/health.ts";
import { KnownApis } from "./http/known_apis.ts";
import { Projects } from "./http/projects.ts";
import { sendWithRetry, sizeOf } from "./http/send_with_retry.ts";
import { Transport } from "./http/transport.ts";
import type { Delivery } from "./prepared_delivery.ts";
import { actsOnEarlier, RecordSender } from "./records/record_sender.ts";
import { Suspects } from "./records/suspects.ts";

/** Options for a deliveryClient. */
export interface DeliveryClientOptions {
  readonly fetch: OwnFetch;
  readonly clock: Clock;
  readonly random: () => number;
  /** A new id for `X-Weave-Retry-Id`. */
  readonly newId: () => string;
  readonly serverUrl: string;
  readonly apiKey: string | undefined;
  /** Ms for one attempt. */
  readonly timeoutMs: number;
  /** Most ms between two attempts. */
  readonly retryMaxMs: number;
  readonly useCallsComplete: boolean;
  /** Puts the server's digests in the place of provisional ones. */
  readonly digests: DigestMap;
  /** Requests of one batch under way at once. */
  readonly maxInFlight: number;
  readonly onState: (state: ServerState, reason: string) => void;
  readonly onRetry: (reason: string) => void;
  readonly onSwitch: (to: CallRouteName, reason: string) => void;
}

/** The time for which something may be sent. */
export interface Permit {
  /** Gives it up. */
  readonly stop: AbortSignal;
  /** Throws when another sender has taken over what is to be sent; asked before every attempt. */
  assertHeld(): void;
}

/** Takes what logs hold: a trace server, or another log. */
export interface DeliveryTarget {
  /** Whether it accepts requests. */
  readonly breaker: {
    readonly acceptsRequests: boolean;
    /** Ms until the next attempt; `null` while it accepts requests. */
    readonly msToNextAttempt: number | null;
    /** Tries now instead of at the end of a backoff. */
    probeNow(): void;
  };
  /** Whether it did not respond when it was last asked. */
  readonly isServerSilent: boolean;
  /** Aborted when nothing more is to be delivered. */
  readonly stopped: AbortSignal;
  /** As {@linkcode DeliveryClient.prepare}. */
  prepare(batch: RecordBatch, permit: Permit, carried: PendingStarts, wait: boolean): Delivery;
  /** Aborts what is under way. What was not answered stays in the log. */
  stop(): void;
}

/** Delivers batches; retries without limit, and gives up only when stopped. */
export class DeliveryClient implements DeliveryTarget {
  readonly breaker: CircuitBreaker;
  readonly #options: DeliveryClientOptions;
  readonly #stop = new AbortController();
  readonly #evidence: Evidence;
  readonly #transport: Transport;
  readonly #health: Health;
  readonly #projects: Projects;
  readonly #apis = new KnownApis();
  readonly #calls: CallSender;
  readonly #records: RecordSender;

  /** Creates a deliveryClient for one server. */
  constructor(options: DeliveryClientOptions) {
    const { clock, random, retryMaxMs, onState, onRetry, newId } = options;
    this.#options = options;
    this.#evidence = new Evidence(clock);
    this.#transport = new Transport(options);
    this.#health = new Health(this.#transport, this.#evidence, this.#stop.signal);
    this.#projects = new Projects(this.#transport, this.#evidence, clock, newId);
    this.breaker = new CircuitBreaker({
      clock,
      random,
      maxBackoffMs: retryMaxMs,
      health: this.#health,
      onState,
      onFailure: onRetry,
    });
    this.#calls = new CallSender(options);
    this.#records = new RecordSender(options.digests, clock, options.maxInFlight);
  }

  /** Whether the server did not respond to the last health check. */
  get isServerSilent(): boolean {
    return this.#health.isSilent;
  }

  /** Aborted when the deliveryClient stops. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /**
   * Makes ready to deliver every record of `batch`: what takes time without waiting is done here,
   * while the batch before this one is under way.
   *
   * @param permit How long it may be sent.
   * @param carried Starts of the same log that wait for their ends: some are sent, others come to
   *   them.
   * @param wait Whether starts without ends may wait.
   */
  prepare(
    batch: RecordBatch,
    permit: Permit,
    carried: PendingStarts,
    wait: boolean,
  ): Delivery {
    const context = this.#context(permit);
    const others = batch.records((type) => type !== "call_start" && type !== "call_end");
    const hasCalls = batch.count > others.length || carried.count > 0;
    // A record that acts on earlier ones has a batch of its own, after the starts that waited.
    const ordered = others.some(({ type }) => actsOnEarlier(type));
    const calls = hasCalls
      ? this.#calls.prepare(batch, context, carried, wait && !ordered)
      : undefined;
    return {
      // A corrupt line may hold whole records of any type. Spans depend on nothing.
      independent: others.every(({ type }) => isOtelType(type)) && batch.corrupt.length === 0 &&
        (calls?.independent ?? true),
      send: async () => [
        ...await this.#records.sendFirst(others, context),
        ...await this.#records.sendAll(others, calls?.send, context, ordered),
      ],
    };
  }

  /**
   * Ends the attempts under way, so that they keep no program alive; they are made again when it
   * goes on.
   */
  interrupt(): void {
    this.#transport.interrupt();
  }

  /** Aborts what is under way. What was not answered stays in the log. */
  stop(): void {
    this.#stop.abort();
    this.breaker.close();
  }

  #context(permit: Permit): SendContext {
    const { clock, random, retryMaxMs, maxInFlight, digests, newId } = this.#options;
    const { stop } = permit;
    const deps = {
      transport: this.#transport,
      breaker: this.breaker,
      evidence: this.#evidence,
      apis: this.#apis,
      stop,
      assertHeld: () => permit.assertHeld(),
    };
    const send: Send = async (path, body, options) => {
      try {
        if (body instanceof Uint8Array && digests.inUse) digests.settle(body);
      } catch (error) {
        return { kind: "unsendable", error };
      }
      const { again } = options;
      const isAgain = again?.path === path && again.size === sizeOf(body);
      const retryId = isAgain ? again.retryId : newId();
      return await sendWithRetry({ path, body, retryId, headers: options.headers }, deps, options);
    };
    const newSuspects = () =>
      new Suspects({
        clock,
        random,
        evidence: this.#evidence,
        breaker: this.breaker,
        health: this.#health,
        projects: this.#projects,
        stop,
        maxBackoffMs: retryMaxMs,
        maxInFlight,
      });
    return { send, newSuspects };
  }
}
