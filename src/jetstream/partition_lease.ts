/**
 * Lease of a partition: a key that its holder renews.
 * The holder relies on its lease only while the engine cannot have expired it: measured from before
 * the last successful renewal, on the holder's monotonic clock.
 * @module
 */

import { WeaveWalError } from "../errors.ts";
import type { Clock } from "../runtime/runtime.ts";
import { EngineError, type LeaseStore } from "./engine.ts";

/**
 * Fraction of the lease's TTL after which the holder sends nothing until it has renewed the lease.
 */
const TRUST = 0.7;

/** Returns the name of the key of a partition's lease. */
export function leaseKey(partition: number): string {
  return `partition.${partition}`;
}

/** Returns whether a key is that of the lease of one of the partitions. */
export function isLeaseKey(key: string, partitions: number): boolean {
  const partition = Number(key.split(".").at(-1));
  return partition < partitions && key === leaseKey(partition);
}

/** Lease held by this process. */
export class PartitionLease {
  readonly partition: number;
  readonly #store: LeaseStore;
  readonly #clock: Clock;
  readonly #holder: string;
  #revision: number;
  /** Time until which the lease is valid, on the monotonic clock. */
  #until: number;
  #writing: Promise<void> | null = null;
  #lost = false;

  private constructor(
    store: LeaseStore,
    clock: Clock,
    partition: number,
    holder: string,
    revision: number,
    before: number,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.partition = partition;
    this.#holder = holder;
    this.#revision = revision;
    this.#until = before + store.ttlMs * TRUST;
  }

  /**
   * Acquires the lease of a partition; `null` if another process holds it. @throws {EngineError}
   * `away`.
   */
  static async take(
    store: LeaseStore,
    clock: Clock,
    partition: number,
    holder: string,
  ): Promise<PartitionLease | null> {
    const before = clock.monotonic();
    try {
      const revision = await store.create(leaseKey(partition), holder);
      return new PartitionLease(store, clock, partition, holder, revision, before);
    } catch (error) {
      if (error instanceof EngineError && error.failure === "conflict") return null;
      throw error;
    }
  }

  /** Whether another process may hold the lease. */
  get isLost(): boolean {
    return this.#lost || this.#clock.monotonic() >= this.#until;
  }

  /** @throws {WeaveWalError} `ERR_LEASE_LOST` if another process may drain the partition. */
  assertHeld(): void {
    if (!this.isLost) return;
    throw new WeaveWalError(
      "ERR_LEASE_LOST",
      `The lease of partition ${this.partition} has expired`,
    );
  }

  /** Renews the lease. Never rejects: a lease that cannot be renewed expires. */
  heartbeat(): Promise<void> {
    return this.#writing ??= this.#write().finally(() => this.#writing = null);
  }

  /** Releases the lease, so that another process can acquire it at once. Never rejects. */
  async release(): Promise<void> {
    await this.#writing;
    if (this.#lost) return;
    this.#lost = true;
    await this.#store.remove(leaseKey(this.partition), this.#revision).catch(() => {});
  }

  async #write(): Promise<void> {
    if (this.#lost) return;
    const before = this.#clock.monotonic();
    try {
      const key = leaseKey(this.partition);
      this.#revision = await this.#store.update(key, this.#holder, this.#revision);
      this.#until = before + this.#store.ttlMs * TRUST;
    } catch (error) {
      // After a lost response, the revision is unknown: the lease expires and is acquired again.
      if (error instanceof EngineError && error.failure === "conflict") this.#lost = true;
    }
  }
}
