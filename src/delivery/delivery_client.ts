/**
 * Delivers batches of records to one server.
 * @module
 */

import type { Clock, OwnFetch } from "../runtime/runtime.ts";
import type { RecordBatch } from "../wal/record/record_batch.ts";
import type { DigestMap } from "../wal/digest_map.ts";
import type { PendingCalls } from "./calls/pending_calls.ts";
import type { CallRouteName } from "./calls/call_load.ts";
import { isOtelType } from "../protocol/otlp/otel_request.ts";
import { CallSender } from "./calls/call_sender.ts";
import type { Send, SendContext } from "./calls/send_context.ts";
import { CircuitBreaker, type ServerState } from "./http/circuit_breaker.ts";
import { Evidence } from "./http/evidence.ts";
import { Health } from "./http/health.ts";
import { KnownApis } from "./http/known_apis.ts";
import { Projects } from "./http/projects.ts";
import { sendWithRetry, sizeOf } from "./http/send_with_retry.ts";
import { Transport } from "./http/transport.ts";
import { DeliveredRecords } from "./drain/delivered_records.ts";
import type { Delivery } from "./prepared_delivery.ts";
import { actsOnEarlier, RecordSender } from "./records/record_sender.ts";
import { Suspects } from "./records/suspects.ts";

/** Options for {@linkcode DeliveryClient}. */
export interface DeliveryClientOptions {
  readonly fetch: OwnFetch;
  readonly clock: Clock;
  readonly random: () => number;
  /** Generates an id for `X-Weave-Retry-Id`. */
  readonly newId: () => string;
  readonly serverUrl: string;
  readonly apiKey: string | undefined;
  /** Time limit of one attempt, in ms. */
  readonly timeoutMs: number;
  /** Maximum ms between two attempts. */
  readonly retryMaxMs: number;
  readonly useCallsComplete: boolean;
  /** Replaces provisional digests with the server's. */
  readonly digests: DigestMap;
  /** Maximum number of concurrent requests per batch. */
  readonly maxInFlight: number;
  readonly onState: (state: ServerState, reason: string) => void;
  readonly onRetry: (reason: string) => void;
  readonly onSwitch: (to: CallRouteName, reason: string) => void;
}

/** Permission to send, with a limited duration. */
export interface Permit {
  /** Revokes the permission. */
  readonly stop: AbortSignal;
  /** Throws if another sender has taken over the records; called before every attempt. */
  assertHeld(): void;
}

/** Destination of the records in logs: a trace server or another log. */
export interface DeliveryTarget {
  /** State of the target. */
  readonly breaker: {
    readonly acceptsRequests: boolean;
    /** Ms until the next attempt; `null` while it accepts requests. */
    readonly msToNextAttempt: number | null;
    /** Tries now instead of at the end of a backoff; while blocked, only if asked to. */
    probeNow(evenIfBlocked?: boolean): void;
  };
  /** Whether it did not respond to the last request. */
  readonly isServerSilent: boolean;
  /** Aborted when nothing more is to be delivered. */
  readonly stopped: AbortSignal;
  /** See {@linkcode DeliveryClient.prepare}. */
  prepare(batch: RecordBatch, permit: Permit, pending: PendingCalls, wait: boolean): Delivery;
  /** Aborts requests in progress. Unacknowledged records stay in the log. */
  stop(): void;
}

/** Delivers batches; retries without limit until stopped. */
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

  /** Creates a client for one server. */
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

  /** Aborted when this client stops. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /**
   * Prepares the delivery of every record of `batch`: synchronous work is done here, while the
   * previous batch is in flight.
   * @param permit Permission to send.
   * @param pending Calls of the same log waiting for their other half: some are sent, others are
   *   added.
   * @param wait Whether starts without ends may wait.
   */
  prepare(
    batch: RecordBatch,
    permit: Permit,
    pending: PendingCalls,
    wait: boolean,
  ): Delivery {
    const delivered = new DeliveredRecords();
    const context = this.#context(permit, delivered);
    const others = batch.records((type) => type !== "call_start" && type !== "call_end");
    const hasCalls = batch.count > others.length || pending.count > 0;
    // A record that acts on earlier ones is in its own batch, after the waiting starts.
    const ordered = others.some(({ type }) => actsOnEarlier(type));
    const calls = hasCalls
      ? this.#calls.prepare(batch, context, pending, wait && !ordered)
      : undefined;
    return {
      // A corrupt line may contain complete records of any type. Spans have no dependencies.
      independent: others.every(({ type }) => isOtelType(type)) && batch.corrupt.length === 0 &&
        (calls?.independent ?? true),
      send: async () => [
        ...await this.#records.sendFirst(others, context),
        ...await this.#records.sendAll(others, calls?.send, context, ordered),
      ],
      delivered: () => delivered.list(),
    };
  }

  /**
   * Aborts attempts in progress, so that they do not keep the program alive; they are repeated if
   * the program continues.
   */
  interrupt(): void {
    this.#transport.interrupt();
  }

  /** Aborts requests in progress. Unacknowledged records stay in the log. */
  stop(): void {
    this.#stop.abort();
    this.breaker.close();
  }

  #context(permit: Permit, delivered: DeliveredRecords): SendContext {
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
        delivered,
        stop,
        maxBackoffMs: retryMaxMs,
        maxInFlight,
      });
    return { send, newSuspects, delivered };
  }
}
