/**
 * Delivers windows of records to one server.
 *
 * @module
 */

import type { Clock, Fetch } from "../runtime/runtime.ts";
import type { Window } from "../wal/record/record_batch.ts";
import type { CarriedStarts } from "./calls/pending_starts.ts";
import { CallPath, type CallPathName, type Send } from "./calls/call_sender.ts";
import type { Delivery } from "./prepared_delivery.ts";
import type { DigestBook } from "../wal/digest_map.ts";
import { exchange } from "./http/send_with_retry.ts";
import { Gate, type ServerState } from "./http/circuit_breaker.ts";
import { pooled } from "./async/run_concurrently.ts";
import { actsOnEarlier, RecordPath } from "./records/record_sender.ts";
import { Transport } from "./http/transport.ts";

/** What a deliverer is made from. */
export interface DelivererOptions {
  readonly fetch: Fetch;
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
  readonly digests: DigestBook;
  /** Requests of one window under way at once. */
  readonly maxInFlight: number;
  readonly onState: (state: ServerState, reason: string) => void;
  readonly onRetry: (reason: string) => void;
  readonly onSwitch: (to: CallPathName, reason: string) => void;
}

/** How long something may be sent. */
export interface Permit {
  /** Gives it up. */
  readonly stop: AbortSignal;
  /** Throws when another sender has taken over what is to be sent; asked before every attempt. */
  assertHeld(): void;
}

/** Delivers windows; retries for ever; gives up only when stopped. */
export class Deliverer {
  readonly gate: Gate;
  readonly #stop = new AbortController();
  readonly #sender: (permit: Permit) => Send;
  readonly #transport: Transport;
  readonly #calls: CallPath;
  readonly #records: RecordPath;
  readonly #maxInFlight: number;

  /** Makes a deliverer for one server. */
  constructor(options: DelivererOptions) {
    const { clock, random, retryMaxMs, onState, onRetry } = options;
    this.gate = new Gate({ clock, random, maxBackoffMs: retryMaxMs, onState });
    const transport = this.#transport = new Transport(options);
    this.#sender = (permit) => (path, body, sendOptions) => {
      if (body instanceof Uint8Array && options.digests.inUse) options.digests.settle(body);
      return exchange(
        { path, body, retryId: options.newId() },
        {
          transport,
          gate: this.gate,
          stop: permit.stop,
          assertHeld: () => permit.assertHeld(),
          onRetry,
        },
        sendOptions?.holdOn,
      );
    };
    this.#calls = new CallPath(options);
    this.#records = new RecordPath(options.digests);
    this.#maxInFlight = options.maxInFlight;
  }

  /** Aborted when the deliverer stops. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /**
   * Makes ready to deliver every record of `window`: what takes time without waiting is done here,
   * while the window before this one is under way.
   *
   * @param permit How long it may be sent.
   * @param carried Starts of the same log that wait for their ends: some go out now, others come to
   *   them.
   * @param wait Whether starts without ends may wait.
   */
  prepare(
    window: Window,
    permit: Permit,
    carried: CarriedStarts,
    wait: boolean,
  ): Delivery {
    const send = this.#sender(permit);
    const others = window.records((type) => type !== "call_start" && type !== "call_end");
    const first = this.#records.firstTask(others, send);
    const tasks = this.#records.tasks(others, send);
    const hasCalls = window.count > others.length || carried.count > 0;
    // What acts on earlier records stands alone in its window, and after the starts that waited.
    const ordered = others.some(({ type }) => actsOnEarlier(type));
    const calls = hasCalls
      ? this.#calls.prepare(window, send, carried, wait && !ordered)
      : undefined;
    if (calls) tasks.unshift(calls.send);
    return {
      // A damaged line may hold whole records of any type.
      independent: others.length === 0 && window.damaged.length === 0 &&
        (calls?.independent ?? true),
      send: async () => [
        ...await first(),
        ...(await pooled(tasks, ordered ? 1 : this.#maxInFlight)).flat(),
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
    this.gate.close();
  }
}
