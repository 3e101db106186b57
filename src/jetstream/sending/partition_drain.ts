/**
 * Drains one partition while its lease is held.
 * @module
 */

import { onAbort } from "../../delivery/async/on_abort.ts";
import { Signal } from "../../delivery/async/signal.ts";
import { Drain } from "../../delivery/drain/drain.ts";
import type { DrainOptions } from "../../delivery/drain/drain_options.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { keepDeadLetters } from "../dead_letters/dead_letter_writer.ts";
import { EngineError, type LogEngine } from "../engine.ts";
import type { StreamLease } from "./stream_lease.ts";
import { PartitionSegment } from "./partition_segment.ts";
import { partitionFilter } from "../subjects.ts";

/** Maximum bytes of a partition in memory; reading pauses at this limit. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;
/** Maximum bytes per read. */
const READ_BYTES = 1024 * 1024;
/** Ms between attempts while the engine does not respond, and between checks of the lease. */
const RETRY_MS = 500;

/** Options for {@linkcode PartitionDrain}. */
export interface PartitionDrainOptions {
  readonly engine: LogEngine;
  readonly clock: Clock;
  readonly prefix: string;
  readonly partition: number;
  readonly lease: StreamLease;
  readonly drain: DrainOptions;
  readonly onTrouble: (error: unknown) => void;
}

/** Reads a partition into memory and drains it from there. */
export class PartitionDrain {
  readonly lease: StreamLease;
  readonly #options: PartitionDrainOptions;
  readonly #stop = new AbortController();
  readonly #room: Signal;
  #drain: Drain | null = null;
  #running: Promise<void> | null = null;

  constructor(options: PartitionDrainOptions) {
    this.lease = options.lease;
    this.#options = options;
    this.#room = new Signal(options.clock);
  }

  /** Drain in progress. */
  get drain(): Drain | null {
    return this.#drain;
  }

  /** Drains until the lease is lost or `stop` is called, then releases the lease. */
  run(): Promise<void> {
    return this.#running ??= this.#run().finally(() => this.lease.release());
  }

  /** Stops; resolves when the lease is released. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running?.catch(() => {});
  }

  async #run(): Promise<void> {
    const { engine, clock, prefix, partition, lease, drain: options } = this.#options;
    const filter = partitionFilter(prefix, partition);
    // The leader answers: another node may still have messages that the last sender removed.
    const oldest = await engine.first(filter, 1);
    const segment = new PartitionSegment({
      name: `partition ${partition}`,
      clock,
      assertHeld: () => lease.assertHeld(),
      remove: (position) => engine.remove(position),
      keep: (lines) => keepDeadLetters({ engine, clock, prefix, partition }, lines),
      onRoom: () => this.#room.wake(),
    });
    const reader = engine.read(filter, oldest?.seq ?? 1);
    const drain = this.#drain = new Drain(segment, options);
    const forget = onAbort(this.#stop.signal, () => {
      drain.stop();
      this.#room.wake();
    });
    const ended = drain.run().then(async () => {
      this.#stop.abort();
      await reader.close();
    });
    try {
      while (!this.#stop.signal.aborted) {
        if (segment.heldBytes >= MAX_HELD_BYTES) {
          await this.#room.wait(RETRY_MS);
        } else {
          await this.#read(reader, segment, drain);
        }
        if (lease.isLost) this.#stop.abort();
      }
    } finally {
      forget();
      drain.stop();
      await ended;
      await segment.settled();
    }
  }

  async #read(
    reader: ReturnType<LogEngine["read"]>,
    segment: PartitionSegment,
    drain: Drain,
  ): Promise<void> {
    try {
      const messages = await reader.next(READ_BYTES);
      // Messages read after the lease was lost may belong to another sender.
      if (this.#stop.signal.aborted || this.lease.isLost) return;
      if (messages.length === 0) return await this.#assertNoneLeft(segment);
      segment.push(messages);
      drain.notify();
    } catch (error) {
      this.#options.onTrouble(error);
      await this.#room.wait(RETRY_MS);
    }
  }

  /**
   * Checks, while no messages arrive, that none is left before the reader's position. If one is,
   * although all that was read is removed, it was skipped: the next sender begins with it.
   */
  async #assertNoneLeft(segment: PartitionSegment): Promise<void> {
    if (!segment.isEmpty) return;
    const { engine, prefix, partition } = this.#options;
    const oldest = await engine.first(partitionFilter(prefix, partition), 1);
    if (oldest === null || oldest.seq > segment.lastPosition) return;
    this.#stop.abort();
    throw new EngineError("away", `Message ${oldest.seq} of partition ${partition} was skipped`);
  }
}
