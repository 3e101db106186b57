/**
 * The right to drain a partition: a key that its holder writes again and again.
 *
 * The holder trusts its lease only as long as the engine cannot have dropped it: counted from before
 * the last successful write, on its own monotonic clock.
 *
 * @module
 */

import { WeaveWalError } from "../errors.ts";
import type { Clock } from "../runtime/runtime.ts";
import { EngineError, type LeaseStore } from "./engine.ts";

/** The part of a lease's time after which its holder sends nothing more without writing it again. */
const TRUST = 0.7;

/** Names of the keys of a partition's lease. */
export function leaseKey(partition: number): string {
  return `partition.${partition}`;
}

/** A lease that this process was given. */
export class PartitionLease {
  readonly partition: number;
  readonly #store: LeaseStore;
  readonly #clock: Clock;
  readonly #holder: string;
  #revision: number;
  /** Until when it can be trusted, on the monotonic clock. */
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

  /** Takes the lease of a partition; `null` if another process has it. @throws {EngineError} `away`. */
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

  /** Whether another process may have it. */
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

  /** Writes it again. Never rejects: a lease that cannot be written expires. */
  heartbeat(): Promise<void> {
    return this.#writing ??= this.#write().finally(() => this.#writing = null);
  }

  /** Gives it back, so that another process can take it at once. Never rejects. */
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
      // An answer that was lost leaves another revision: the lease expires, and is taken again.
      if (error instanceof EngineError && error.failure === "conflict") this.#lost = true;
    }
  }
}
