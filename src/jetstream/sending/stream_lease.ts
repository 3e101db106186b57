/**
 * Leases: of each partition, and of the dead letters. A lease is a key that its holder renews.
 * The holder relies on its lease only while the engine cannot have expired it: measured from before
 * the last successful renewal, on the holder's monotonic clock.
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { EngineError, type LeaseStore } from "../engine.ts";

/** Fraction of the lease's TTL after which the holder sends and removes nothing without a renewal. */
const TRUST = 0.7;
/** Heartbeats per TTL of a lease. */
const HEARTBEATS = 5;

/** Key of the lease for taking dead letters out. */
export const DEAD_LETTER_LEASE = "dead-letters";

/** Returns the name of the key of a partition's lease. */
export function leaseKey(partition: number): string {
  return `partition.${partition}`;
}

/** Returns whether a key is that of the lease of one of the partitions. */
export function isLeaseKey(key: string, partitions: number): boolean {
  const partition = Number(key.split(".").at(-1));
  return partition < partitions && key === leaseKey(partition);
}

/** Returns the interval at which leases are renewed, in ms. */
export function heartbeatMs({ ttlMs }: LeaseStore): number {
  return ttlMs / HEARTBEATS;
}

/** Lease held by this process. */
export class StreamLease {
  readonly #key: string;
  readonly #store: LeaseStore;
  readonly #clock: Clock;
  readonly #holder: string;
  #revision: number;
  /** Time until which the lease is valid, on the monotonic clock. */
  #until: number;
  #writing: Promise<void> | null = null;
  #lost = false;
  /** Whether the key of this process is deleted, or belongs to another process now. */
  #removed = false;

  private constructor(
    store: LeaseStore,
    clock: Clock,
    key: string,
    holder: string,
    revision: number,
    before: number,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#key = key;
    this.#holder = holder;
    this.#revision = revision;
    this.#until = before + store.ttlMs * TRUST;
  }

  /**
   * Acquires a lease; `null` if another process holds it. @throws {EngineError} `away`.
   */
  static async take(
    store: LeaseStore,
    clock: Clock,
    key: string,
    holder: string,
  ): Promise<StreamLease | null> {
    const before = clock.monotonic();
    try {
      const revision = await store.create(key, holder);
      return new StreamLease(store, clock, key, holder, revision, before);
    } catch (error) {
      if (error instanceof EngineError && error.failure === "conflict") return null;
      throw error;
    }
  }

  /**
   * Whether another process may hold the lease. Once true, it stays so, even if a renewal succeeds
   * late: what was not sent, removed or read because of it is left to the next holder.
   */
  get isLost(): boolean {
    return this.#lost ||= this.#clock.monotonic() >= this.#until;
  }

  /** @throws {WeaveWalError} `ERR_LEASE_LOST` if another process may hold it. */
  assertHeld(): void {
    if (!this.isLost) return;
    throw new WeaveWalError("ERR_LEASE_LOST", `The lease ${this.#key} has expired`);
  }

  /** Renews the lease. Never rejects: a lease that cannot be renewed expires. */
  heartbeat(): Promise<void> {
    return this.#writing ??= this.#write().finally(() => this.#writing = null);
  }

  /** Releases the lease, so that another process can acquire it at once. Never rejects. */
  async release(): Promise<void> {
    await this.#writing;
    this.#lost = true;
    if (this.#removed) return;
    this.#removed = true;
    await this.#store.remove(this.#key, this.#revision).catch(() => {});
  }

  async #write(): Promise<void> {
    if (this.#lost) return;
    const before = this.#clock.monotonic();
    try {
      this.#revision = await this.#store.update(this.#key, this.#holder, this.#revision);
      this.#until = before + this.#store.ttlMs * TRUST;
    } catch (error) {
      // After a lost response, the revision is unknown: the lease expires and is acquired again.
      if (!(error instanceof EngineError) || error.failure !== "conflict") return;
      this.#lost = true;
      this.#removed = true;
    }
  }
}
