/**
 * Drains one segment: reads, delivers, dead-letters and acknowledges its records, and finally
 * removes it.
 * @module
 */

import { hasCode } from "../../errors.ts";
import type { CountBudget } from "../../wal/segment/pending_count.ts";
import type { Segment } from "../../wal/segment/segment.ts";
import type { Waiting } from "../../wal/segment/waiting_counter.ts";
import { onAbort } from "../async/on_abort.ts";
import type { Permit } from "../delivery_client.ts";
import { Stopped } from "../http/send_with_retry.ts";
import { BatchSource, type PreparedBatch } from "./batch_source.ts";
import { DISK_RETRY_MS, type DrainOptions, POLL_MS } from "./drain_options.ts";
import { DrainProgress } from "./drain_progress.ts";
import { InFlightQueue } from "./in_flight_queue.ts";
import { removeSegment } from "./late_removals.ts";
import { Linger } from "./linger.ts";
import { Settlement } from "./settlement.ts";

/** End of a drain. `lost`: another sender has taken over the segment. */
export type DrainEnd = "complete" | "stopped" | "lost";

/** `null` if there is none now; `undefined` if the disk failed and the read must be repeated. */
type NextBatch = PreparedBatch | null | undefined;

/** Drains one segment. */
export class Drain {
  readonly segment: Segment;
  readonly #options: DrainOptions;
  readonly #stop = new AbortController();
  readonly #progress: DrainProgress;
  readonly #linger: Linger;
  readonly #source: BatchSource;
  readonly #inFlight = new InFlightQueue();
  readonly #settlement: Settlement;
  /** End of an incomplete line that the writer, another process, has begun. */
  #reached = 0;
  #dropped = false;
  #isHolding = false;
  #isSettled = false;
  #onHolding: () => void = () => {};
  #running: Promise<DrainEnd> | null = null;
  #end: DrainEnd | null = null;

  /** Creates a drain that begins at the segment's checkpoint. */
  constructor(segment: Segment, options: DrainOptions) {
    this.segment = segment;
    this.#options = options;
    const { signal: stop } = this.#stop;
    const permit: Permit = { stop, assertHeld: () => segment.assertHeld() };
    this.#progress = new DrainProgress(segment, options.clock);
    this.#linger = new Linger(segment, options, stop);
    this.#source = new BatchSource(segment, options, permit, this.#linger);
    this.#settlement = new Settlement(segment, options, permit, this.#linger, this.#progress);
  }

  /**
   * Byte offset below which there is nothing to send: all records are delivered or dead-lettered,
   * or part of an incomplete line that the writer, another process, has begun.
   */
  get reached(): number {
    return Math.max(this.#progress.acknowledged, this.#reached);
  }

  /** Byte offset below which all records were sent; ends that wait for their starts may be pending. */
  get sent(): number {
    return Math.max(this.#progress.sent, this.#reached);
  }

  /**
   * Whether nothing more is to be read, and only ends whose starts are in other logs are pending.
   */
  get isHolding(): boolean {
    return this.#isHolding && this.#end === null;
  }

  /** Counts pending records; if the disk fails, without the records that cannot be read. */
  pending(budget: CountBudget): Promise<Waiting> {
    return this.#progress.pending(budget);
  }

  /** Returns when the oldest pending record was written, epoch ms; `null` if none is pending. */
  oldestPending(): Promise<number | null> {
    return this.#progress.oldestPending();
  }

  /** Whether the drain has ended. */
  get ended(): boolean {
    return this.#end !== null;
  }

  /** Result of the drain; `null` until it has ended. */
  get end(): DrainEnd | null {
    return this.#end;
  }

  /** Whether the segment is delivered, but could not be removed because of a disk error. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Whether the segment was dropped. */
  get dropped(): boolean {
    return this.#dropped;
  }

  /** Announces new records. Cheap: called at every append. */
  notify(): void {
    this.#linger.notify();
  }

  /** Stops lingering until all current records are sent. */
  sendNow(): void {
    this.#linger.sendNow();
  }

  /** Stops the drain at its current position. */
  stop(): void {
    this.#stop.abort();
  }

  /**
   * Drops the segment, which must be sealed: counts its records and removes it; if several segments
   * are drained as one, the oldest. Resolves when that is done and the drain has ended.
   */
  async drop(): Promise<void> {
    this.#dropped = true;
    this.stop();
    await this.#running;
  }

  /** Releases the segment, and notes which lines after its checkpoint are delivered. */
  release(): void {
    const single = this.#inFlight.delivered.map((from) => ({ from, to: from + 1 }));
    this.segment.release([...this.#progress.delivered, ...single]);
  }

  /** Drains until the segment ends or the delivery client stops. Never rejects. */
  run(): Promise<DrainEnd> {
    return this.#running ??= this.#run();
  }

  /** Like `run`, but resolves as soon as the drain only holds ends: others need not wait for it. */
  async runUntilHolding(): Promise<DrainEnd | "holding"> {
    const holding = new Promise<"holding">((resolve) => {
      this.#onHolding = () => resolve("holding");
    });
    return await Promise.race([this.run(), holding]);
  }

  async #run(): Promise<DrainEnd> {
    if (this.#options.deliveryClient.stopped.aborted) this.stop();
    onAbort(this.#stop.signal, () => this.#linger.wake());
    let end = await this.#loop(this.#stop.signal).catch((error) => this.#endOf(error));
    // A batch that could not be settled leaves the next one in flight, and no checkpoint waits for
    // it.
    this.stop();
    await this.#inFlight.idle();
    if (end === "stopped" && this.#dropped) end = await this.#discard();
    if (end === "complete") {
      const removal = await removeSegment(this.segment, this.#options);
      this.#isSettled = removal === "failed";
      end = removal === "complete" ? removal : "lost";
    }
    this.#end = end;
    this.#progress.over();
    if (end !== "complete") this.release();
    return end;
  }

  async #loop(stopped: AbortSignal): Promise<DrainEnd> {
    const source = this.#source;
    while (!stopped.aborted) {
      if (!source.isAhead) await this.#inFlight.drained();
      const sealed = this.segment.isSealed();
      const { isAhead } = source;
      if (!isAhead && !sealed && await this.#linger.pause(source.offset, source.dueIn())) {
        continue;
      }
      const batch = await this.#sendNext(() => this.#tryNext(sealed));
      if (batch) {
        const { lingerBytes } = this.#options;
        const isMore = sealed || this.segment.end() - source.offset >= lingerBytes;
        if (isMore) source.readAhead(sealed);
        continue;
      }
      await this.#inFlight.drained();
      if (stopped.aborted) break; // Nothing would wake the loop.
      if (batch === undefined) {
        await this.#linger.wait(DISK_RETRY_MS);
        source.restart(this.#progress.acknowledged);
      } else if (await this.#atEnd(sealed)) {
        return "complete";
      }
    }
    await this.#inFlight.drained();
    return "stopped";
  }

  /**
   * Called if there is no complete record: sends what is due, or waits; returns `true` at the
   * segment's end.
   */
  async #atEnd(sealed: boolean): Promise<boolean> {
    const { segment } = this;
    const source = this.#source;
    const drained = source.offset >= segment.end();
    const isLast = sealed && drained;
    const isLogRead = isLast && !await this.#continues();
    const dueIn = source.dueIn(isLast, isLogRead);
    if (dueIn === 0) {
      await this.#sendNext(() => Promise.resolve(source.due(isLast, isLogRead)));
      return false;
    }
    this.#linger.caughtUp();
    if (dueIn === undefined) this.#reached = source.lookedTo;
    if (isLast) {
      if (dueIn === undefined) return true;
      this.#isHolding = true;
      this.#onHolding();
      await this.#linger.wait(dueIn);
    } else if (!segment.live) await this.#linger.wait(Math.min(POLL_MS, dueIn ?? POLL_MS));
    else if (drained && segment.isSealed() === sealed) await this.#linger.wait(dueIn);
    return false;
  }

  /** Returns whether a start that an end waits for may be in a later segment. */
  async #continues(): Promise<boolean> {
    if (!this.#source.holdsEnds) return false;
    try {
      return await this.segment.continues?.() ?? false;
    } catch (error) {
      this.#options.onTrouble("read", error);
      return true; // No end waits without a limit.
    }
  }

  /**
   * Prepares a batch, if there is one, and sends it when its turn comes. It holds a slot from before
   * it is read until it has ended, however that ends: the other drains wait for the slot.
   * @returns What `prepare` returns; `null` if the drain is stopped first.
   */
  async #sendNext(prepare: () => Promise<NextBatch>): Promise<NextBatch> {
    const { slots } = this.#options;
    if (!await slots.acquire(this.#stop.signal)) return null;
    let release: (() => void) | null = () => slots.release();
    try {
      const batch = await prepare();
      if (!batch) return batch;
      await this.#inFlight.waitForSlot(batch.delivery);
      this.#inFlight.send(
        batch.delivery,
        (refused) => this.#settlement.settle(batch, refused),
        release,
      );
      release = null;
      return batch;
    } finally {
      release?.();
    }
  }

  /** Returns the next batch. */
  async #tryNext(sealed: boolean): Promise<NextBatch> {
    try {
      return await this.#source.next(sealed);
    } catch (error) {
      if (hasCode(error, "ERR_LEASE_LOST")) throw error;
      this.#options.onTrouble("read", error);
      return undefined;
    }
  }

  /** Counts the dropped records and marks them as done. */
  async #discard(): Promise<DrainEnd> {
    const { segment } = this;
    try {
      const end = segment.partEnd?.(this.#progress.unsettled) ?? segment.end();
      const { records, bytes } = await this.#progress.giveUp(end);
      const isPart = end < segment.end();
      if (isPart) {
        segment.acknowledge(end);
        await segment.settled?.();
      }
      this.#options.onDropped(records, bytes);
      return isPart ? "stopped" : "complete";
    } catch (error) {
      return this.#endOf(error);
    }
  }

  #endOf(error: unknown): DrainEnd {
    if (error instanceof Stopped) return "stopped";
    if (!hasCode(error, "ERR_LEASE_LOST")) this.#options.onTrouble("drain", error);
    return "lost";
  }
}
