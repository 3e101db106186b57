/**
 * Sender of a stream: drains the partitions whose leases it holds.
 * Every sender holds a share of the partitions. If a sender dies, its leases expire and other
 * senders acquire them; for a new sender, senders with too many partitions release some.
 * @module
 */

import { drainOptions, type DrainSettings } from "../../delivery/create_sender.ts";
import type { Drain } from "../../delivery/drain/drain.ts";
import type { DrainOptions } from "../../delivery/drain/drain_options.ts";
import type { ServerState } from "../../delivery/http/circuit_breaker.ts";
import { OutageWatch } from "../../delivery/outage_watch.ts";
import type { Clock, Timer } from "../../runtime/runtime.ts";
import { EngineError, type LogEngine } from "../engine.ts";
import { PartitionDrain } from "./partition_drain.ts";
import { heartbeatMs, leaseKey, StreamLease } from "./stream_lease.ts";
import { SenderPresence } from "./sender_presence.ts";

/** Options for {@linkcode StreamSender}. */
export interface StreamSenderOptions extends DrainSettings {
  readonly engine: LogEngine;
  readonly clock: Clock;
  /** First token of all subjects. */
  readonly prefix: string;
  readonly partitions: number;
  /** Token of this process. */
  readonly token: string;
  /** Returns the process and its status, as other processes read it; the token by default. */
  readonly describe?: () => string;
  /** Reports that this process has started or stopped draining a partition. */
  readonly onPartition: (partition: number, state: "taken" | "left") => void;
}

/** Drains a share of the partitions. */
export class StreamSender {
  readonly #options: StreamSenderOptions;
  readonly #held = new Map<number, PartitionDrain>();
  readonly #presence: SenderPresence;
  readonly #drain: DrainOptions;
  readonly #outage: OutageWatch;
  #timer: Timer | null = null;
  #looking: Promise<void> | null = null;
  #stopped = false;

  constructor(options: StreamSenderOptions) {
    const { engine, clock, token, deliveryClient, describe = () => token } = options;
    this.#options = options;
    this.#drain = drainOptions(clock, options);
    this.#presence = new SenderPresence(engine.leases, token, describe);
    this.#outage = new OutageWatch(clock, deliveryClient, () => void this.#pause());
  }

  /** Starts to acquire partitions. */
  start(): void {
    void this.look().finally(() => {
      if (this.#stopped) return;
      const { clock, engine } = this.#options;
      this.#timer = clock.after(heartbeatMs(engine.leases), () => this.start());
    });
  }

  /** Renews the leases, and acquires or releases partitions. Never rejects. */
  look(): Promise<void> {
    return this.#looking ??= this.#look()
      .catch((error) => this.#trouble(error))
      .finally(() => this.#looking = null);
  }

  /** Partitions that this process drains. */
  get partitions(): number[] {
    return [...this.#held.keys()].sort((a, b) => a - b);
  }

  /** Drains in progress. */
  get drains(): Drain[] {
    return [...this.#held.values()].flatMap(({ drain }) => drain ?? []);
  }

  /** Must be called at every change of the server's state. */
  serverChanged(state: ServerState): void {
    this.#outage.serverChanged(state);
  }

  /** Sends at once instead of at the end of a backoff or a linger. */
  sendNow(): void {
    for (const drain of this.drains) drain.sendNow();
    this.#options.deliveryClient.breaker.probeNow();
  }

  /** Stops work in progress and releases the leases. Unacknowledged messages stay in the stream. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#outage.stop();
    this.#options.deliveryClient.stop();
    await this.#pause();
    await this.#looking;
    // A partition acquired in the meantime.
    await this.#pause();
    await this.#presence.end();
  }

  async #look(): Promise<void> {
    const { partitions, deliveryClient } = this.#options;
    await Promise.all([...this.#held.values()].map(({ lease }) => lease.heartbeat()));
    await this.#presence.heartbeat();
    const share = Math.ceil(partitions / Math.max(1, await this.#presence.count()));
    const surplus = this.partitions.slice(share);
    await Promise.all(surplus.map((partition) => this.#held.get(partition)!.stop()));
    if (this.#stopped || !deliveryClient.breaker.acceptsRequests) return;
    // Start at different partitions, so that senders that start together do not compete for the
    // same one.
    const first = Math.floor(this.#presence.place * partitions);
    for (let i = 0; i < partitions && this.#held.size < share && !this.#stopped; i++) {
      const partition = (first + i) % partitions;
      if (!this.#held.has(partition)) await this.#take(partition);
    }
  }

  async #take(partition: number): Promise<void> {
    const { engine, clock, token, prefix, onPartition } = this.#options;
    const lease = await StreamLease.take(engine.leases, clock, leaseKey(partition), token);
    if (lease === null) return;
    const held = new PartitionDrain({
      engine,
      clock,
      prefix,
      partition,
      lease,
      drain: this.#drain,
      onTrouble: (error) => this.#trouble(error),
    });
    this.#held.set(partition, held);
    onPartition(partition, "taken");
    void held.run().catch((error) => this.#trouble(error)).finally(() => {
      this.#held.delete(partition);
      onPartition(partition, "left");
    });
  }

  /** Releases the partitions. */
  async #pause(): Promise<void> {
    await Promise.all([...this.#held.values()].map((held) => held.stop()));
  }

  #trouble(error: unknown): void {
    const what = error instanceof EngineError ? "stream" : "sender";
    this.#options.onTrouble(what, error);
  }
}
