/**
 * Drains one segment: read, deliver, dead-letter, acknowledge, and at its end remove it.
 *
 * @module
 */

import { onAbort } from "./async/on_abort.ts";
import { hasCode } from "../errors.ts";
import type { Clock } from "../runtime/runtime.ts";
import { countRecords } from "../wal/segment/count_records.ts";
import { firstRecordTime } from "../wal/segment/first_record_time.ts";
import { type CountBudget, PendingCount, type RecordCount } from "../wal/segment/pending_count.ts";
import { NOTHING_WAITS, type Waiting } from "../wal/segment/waiting_counter.ts";
import type { DeadLetter, Segment } from "../wal/segment/segment.ts";
import { RecordBatch } from "../wal/record/record_batch.ts";
import { type BatchLimits, BatchReader } from "../wal/record/batch_reader.ts";
import { PendingStarts } from "./calls/pending_starts.ts";
import type { DeliveryTarget, Permit } from "./delivery_client.ts";
import type { Delivery } from "./prepared_delivery.ts";
import { Stopped } from "./http/send_with_retry.ts";
import { InFlightQueue } from "./in_flight_queue.ts";
import { salvage } from "../wal/record/recover_records.ts";
import { type Semaphore, Signal } from "./async/signal.ts";

/** Ms between two looks at a segment that another process writes. */
export const POLL_MS = 250;
/** Ms between two tries when the disk fails to be read, or to keep a dead letter. */
export const DISK_RETRY_MS = 5_000;

/** Options for a drain. */
export interface DrainOptions {
  readonly clock: Clock;
  readonly deliveryClient: DeliveryTarget;
  readonly limits: BatchLimits;
  /** Bytes that fill a batch: with as many waiting, a live segment lingers no longer. */
  readonly lingerBytes: number;
  /** Ms that records of a live segment wait for more. */
  readonly lingerMs: number;
  /** Limits the batches read and sent at once, of all segments. */
  readonly slots: Semaphore;
  /** Called when records were delivered or dead-lettered and the checkpoint moved. */
  readonly onProgress: (delivered: number, deadLetters: readonly DeadLetter[]) => void;
  /** Reports records that were dropped. */
  readonly onDropped: (records: number, bytes: number) => void;
  /** Reports that the segment was drained and removed, and its size in bytes. */
  readonly onComplete: (bytes: number) => void;
  /** Reports a disk error that the drain tolerates. */
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** The end of a drain. `lost`: another sender has taken the segment over. */
export type DrainEnd = "complete" | "stopped" | "lost";

/** A batch that was read, and its delivery. */
interface Prepared {
  readonly batch: RecordBatch;
  readonly delivery: Delivery;
  /** Records that it sends: without those that wait, with those that have waited. */
  readonly count: number;
  /** Byte offset to acknowledge when it is settled: in front of the oldest start that waits. */
  readonly to: number;
  /** Starts that wait for their ends. */
  readonly carried: { readonly count: number; readonly bytes: number };
}

/** The end of a segment now; `undefined` when the disk does not say. */
export function endOf(segment: Segment): number | undefined {
  try {
    return segment.end();
  } catch {
    return undefined;
  }
}

/** The draining of one segment. */
export class Drain {
  readonly segment: Segment;
  readonly #options: DrainOptions;
  readonly #signal: Signal;
  readonly #stop = new AbortController();
  readonly #permit: Permit;
  readonly #carried: PendingStarts;
  readonly #inFlight = new InFlightQueue();
  readonly #count = new PendingCount();
  /** The latest settled batch: its end, and the starts that wait. */
  #settled: { offset: number; carried: Prepared["carried"] };
  #acknowledged: number;
  #reached = 0;
  #dropped = false;
  #running: Promise<DrainEnd> | null = null;
  #sendsNow = false;
  #end: DrainEnd | null = null;
  /** Byte offset of the next record to read. */
  #offset = 0;
  #lingering = false;
  /** When everything was last delivered, epoch ms. */
  #caughtUp = -Infinity;

  /** Makes a drain that begins at the segment's checkpoint. */
  constructor(segment: Segment, options: DrainOptions) {
    this.segment = segment;
    this.#options = options;
    this.#signal = new Signal(options.clock);
    this.#permit = { stop: this.#stop.signal, assertHeld: () => segment.assertHeld() };
    this.#carried = new PendingStarts(options.clock);
    this.#acknowledged = segment.checkpoint;
    this.#settled = { offset: segment.checkpoint, carried: { count: 0, bytes: 0 } };
  }

  /** Byte offset up to which everything is delivered or dead-lettered. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /**
   * Byte offset up to which there is nothing to send: as `acknowledged`, and past a line that its
   * writer, another process, has begun and not ended.
   */
  get reached(): number {
    return Math.max(this.#acknowledged, this.#reached);
  }

  /** Bytes that wait. */
  get pendingBytes(): number {
    if (this.ended) return 0;
    const { offset, carried } = this.#settled;
    const unread = this.segment.bytesFrom?.(offset) ?? (endOf(this.segment) ?? offset) - offset;
    return Math.max(0, unread) + carried.bytes;
  }

  /** Counts what waits; where the disk fails, without the records that it does not give. */
  async pending(budget: CountBudget): Promise<Waiting> {
    const bytes = this.pendingBytes;
    if (this.ended) return NOTHING_WAITS;
    const { offset, carried } = this.#settled;
    try {
      const { records, isEstimate } = await this.#countFrom(offset, budget);
      return { records: records + carried.count, bytes, isEstimate };
    } catch {
      return { ...NOTHING_WAITS, bytes };
    }
  }

  async #countFrom(offset: number, budget: CountBudget): Promise<RecordCount> {
    const { segment } = this;
    const { records } = segment;
    if (offset === 0 && records !== undefined) return { records, isEstimate: false };
    if (segment.countFrom) return await segment.countFrom(offset, budget);
    return await this.#count.count(offset, segment.end(), budget, () => ({
      read: (at, into) => segment.read(at, into),
    }));
  }

  /** Since when records have been waiting, epoch ms, at the earliest; `null` when none waits. */
  get pendingSince(): number | null {
    if (this.ended || this.#acknowledged >= (endOf(this.segment) ?? Infinity)) return null;
    return Math.max(this.segment.begun, this.#caughtUp);
  }

  /** When the oldest record that waits was written, epoch ms; `null` when none waits. */
  async oldestPending(): Promise<number | null> {
    const since = this.pendingSince;
    if (since === null) return null;
    const offset = this.#acknowledged;
    const time = await firstRecordTime(this.segment, offset, this.segment.isSealed())
      .catch(() => null);
    // Programs may set the times of their calls: no record is older than the wait for it.
    return Math.max(since, time ?? since);
  }

  /** Whether the drain is over. */
  get ended(): boolean {
    return this.#end !== null;
  }

  /** Its end; `null` before that. */
  get end(): DrainEnd | null {
    return this.#end;
  }

  /** There may be more to drain. Cheap: called at every append. */
  notify(): void {
    if (this.#signal.waiting) this.#look();
  }

  /** Lingers no more until everything that is there now is sent. */
  sendNow(): void {
    this.#sendsNow = true;
    this.#signal.wake();
  }

  /** Ends the draining where it is. */
  stop(): void {
    this.#stop.abort();
  }

  /**
   * Gives the segment up, which must be sealed: what it holds is counted and removed; of several
   * that are drained as one, the oldest. Resolves when that is done, and the drain is over.
   */
  async drop(): Promise<void> {
    this.#dropped = true;
    this.stop();
    await this.#running;
  }

  /** Whether the segment was given up. */
  get dropped(): boolean {
    return this.#dropped;
  }

  /** Drains until the segment ends or the deliveryClient stops. Never rejects. */
  run(): Promise<DrainEnd> {
    return this.#running ??= this.#run();
  }

  async #run(): Promise<DrainEnd> {
    if (this.#options.deliveryClient.stopped.aborted) this.stop();
    onAbort(this.#stop.signal, () => this.#signal.wake());
    let end = await this.#loop(this.#stop.signal).catch((error) => this.#endOf(error));
    // One that could not be settled leaves the next on its way, which no checkpoint waits for now.
    this.stop();
    await this.#inFlight.idle();
    if (end === "stopped" && this.#dropped) end = await this.#discard();
    if (end === "complete") end = await this.#complete();
    this.#end = end;
    if (end === "complete") this.#options.onComplete(endOf(this.segment) ?? 0);
    if (end !== "complete") this.segment.release();
    return end;
  }

  async #complete(): Promise<DrainEnd> {
    try {
      if (!this.#dropped) await this.segment.beforeComplete?.();
      this.segment.complete();
      await this.segment.settled?.();
      return "complete";
    } catch (error) {
      return this.#endOf(error);
    }
  }

  #endOf(error: unknown): DrainEnd {
    if (error instanceof Stopped) return "stopped";
    if (!hasCode(error, "ERR_LEASE_LOST")) this.#options.onTrouble("drain", error);
    return "lost";
  }

  /** Counts what is given up, and takes it for done. */
  async #discard(): Promise<DrainEnd> {
    const { segment } = this;
    try {
      const { offset, carried } = this.#settled;
      const end = segment.partEnd?.(offset) ?? segment.end();
      const records = await countRecords(segment, offset, end) + carried.count;
      if (end < segment.end()) {
        segment.acknowledge(end);
        await segment.settled?.();
      }
      this.#acknowledged = end;
      this.#options.onDropped(records, Math.max(0, end - offset) + carried.bytes);
      return end < segment.end() ? "stopped" : "complete";
    } catch (error) {
      return this.#endOf(error);
    }
  }

  async #loop(stopped: AbortSignal): Promise<DrainEnd> {
    const { limits, slots } = this.#options;
    const inFlight = this.#inFlight;
    let reader = new BatchReader(this.segment, limits, this.#acknowledged);
    let ahead: Promise<Prepared | null> | null = null;
    while (!stopped.aborted) {
      if (ahead === null) await inFlight.drained();
      const sealed = this.segment.isSealed();
      this.#offset = reader.offset;
      if (ahead === null && !sealed && await this.#linger()) continue;
      if (!await slots.acquire(stopped)) break;
      const batch = await this.#tried(ahead ?? this.#read(reader, sealed));
      ahead = null;
      if (!batch) {
        slots.release();
        await inFlight.drained();
        if (stopped.aborted) break; // Nothing would wake it any more.
      }
      if (batch) {
        await this.#launch(batch, stopped);
        if (sealed || this.segment.end() - reader.offset >= this.#options.lingerBytes) {
          ahead = this.#readLater(reader, sealed);
          ahead.catch(() => {}); // Seen when it is awaited.
        }
        continue;
      }
      if (batch === undefined) {
        await this.#signal.wait(DISK_RETRY_MS);
        this.#carried.takeAll();
        reader = new BatchReader(this.segment, limits, this.#acknowledged);
        continue;
      }
      const drained = reader.offset >= this.segment.end();
      const { dueIn } = this.#carried;
      if (dueIn !== undefined && (dueIn === 0 || this.#sendsNow || (sealed && drained))) {
        await this.#sendCarried(reader.offset, stopped);
        continue;
      }
      this.#sendsNow = false;
      if (dueIn === undefined) this.#reached = reader.lookedTo;
      if (sealed && drained) return "complete";
      if (!this.segment.live) await this.#signal.wait(Math.min(POLL_MS, dueIn ?? POLL_MS));
      else if (drained && this.segment.isSealed() === sealed) await this.#signal.wait(dueIn);
    }
    await inFlight.drained();
    return "stopped";
  }

  /** Sends a batch, in its turn; the caller holds a slot for it. */
  async #launch(batch: Prepared, stopped: AbortSignal): Promise<void> {
    const { slots } = this.#options;
    try {
      await this.#inFlight.waitForSlot(batch.delivery);
    } catch (error) {
      slots.release();
      throw error;
    }
    this.#inFlight.send(
      batch.delivery,
      (refused) => this.#settle(batch, refused, stopped),
      () => slots.release(),
    );
  }

  /** Sends starts that have waited for their ends long enough, or all when there is no more time. */
  async #sendCarried(offset: number, stopped: AbortSignal): Promise<void> {
    const none = new RecordBatch(new Uint8Array(0), offset, 0);
    none.to = offset;
    if (!await this.#options.slots.acquire(stopped)) return;
    const batch = this.#prepare(none, this.#carried.dueIn === 0 && !this.#sendsNow);
    await this.#launch(batch, stopped);
  }

  #prepare(batch: RecordBatch, wait: boolean): Prepared {
    const before = this.#carried.count;
    const { deliveryClient } = this.#options;
    const delivery = deliveryClient.prepare(batch, this.#permit, this.#carried, wait);
    const { count, bytes, oldestOffset } = this.#carried;
    return {
      batch,
      delivery,
      count: batch.count + before - count,
      to: Math.min(batch.to, oldestOffset ?? batch.to),
      carried: { count, bytes },
    };
  }

  /** Lets the request under way get out first: reading takes the processor for a while. */
  async #readLater(reader: BatchReader, sealed: boolean): Promise<Prepared | null> {
    const { clock } = this.#options;
    if (clock.soon) await new Promise<void>((resolve) => clock.soon!(resolve));
    return await this.#read(reader, sealed);
  }

  async #read(reader: BatchReader, sealed: boolean): Promise<Prepared | null> {
    const batch = await reader.next(sealed);
    if (batch === null) return null;
    batch.restore = () => this.#restore(batch, reader);
    const last = sealed && reader.offset >= this.segment.end();
    return this.#prepare(batch, !last && !this.#sendsNow);
  }

  /** Reads a batch's lines again, however long that takes. */
  async #restore(batch: RecordBatch, reader: BatchReader): Promise<void> {
    const { clock, onTrouble } = this.#options;
    const { signal } = this.#stop;
    // Batches that are sent side by side wait side by side.
    const pause = new Signal(clock);
    const wake = (): void => pause.wake();
    const forget = onAbort(signal, wake);
    try {
      for (;;) {
        const read = await reader.restore(batch).catch((error) => onTrouble("read", error));
        if (read === true) return;
        if (read === false) throw new Error("The log was changed while it was being sent");
        if (signal.aborted) throw new Stopped("Stopped while reading again");
        await pause.wait(DISK_RETRY_MS);
      }
    } finally {
      forget();
    }
  }

  /** The result of a read; `undefined` when the disk failed and it has to be tried again. */
  async #tried(reading: Promise<Prepared | null>): Promise<Prepared | null | undefined> {
    try {
      return await reading;
    } catch (error) {
      if (hasCode(error, "ERR_LEASE_LOST")) throw error;
      this.#options.onTrouble("read", error);
      return undefined;
    }
  }

  /** Waits for records, and for more if there are few; `true` when it is time to look again. */
  async #linger(): Promise<boolean> {
    if (this.#stop.signal.aborted) return true;
    if (!this.segment.live || this.#sendsNow) return false;
    const waiting = this.segment.end() - this.#offset;
    if (waiting === 0) {
      const { dueIn } = this.#carried;
      if (dueIn === 0) return false;
      await this.#signal.wait(dueIn);
      return true;
    }
    if (waiting >= this.#options.lingerBytes) return false;
    this.#lingering = true;
    await this.#signal.wait(this.#options.lingerMs);
    this.#lingering = false;
    return this.#stop.signal.aborted;
  }

  #look(): void {
    const { lingerBytes } = this.#options;
    if (
      !this.#lingering || this.segment.end() - this.#offset >= lingerBytes ||
      this.segment.isSealed()
    ) {
      this.#signal.wake();
    }
  }

  async #settle(
    { batch, count, to, carried }: Prepared,
    refused: readonly DeadLetter[],
    stopped: AbortSignal,
  ): Promise<void> {
    const { deliveryClient, onProgress, onTrouble } = this.#options;
    const { batches, deadLetters: left } = salvage([...batch.corrupt, ...refused]);
    const deadLetters = [...left];
    let delivered = count - refused.length;
    for (const found of batches) {
      const none = new PendingStarts(this.#options.clock);
      const again = await deliveryClient.prepare(found, this.#permit, none, false).send();
      deadLetters.push(...again);
      delivered += found.count - again.length;
    }
    deadLetters.sort((a, b) => a.offset - b.offset);
    if (deadLetters.length > 0) await this.#deadLettered(deadLetters, stopped);
    try {
      this.segment.acknowledge(to);
    } catch (error) {
      // Without a checkpoint the records may be sent again; the claim is another matter.
      if (hasCode(error, "ERR_LEASE_LOST")) throw error;
      onTrouble("checkpoint", error);
    }
    this.#acknowledged = to;
    this.#settled = { offset: batch.to, carried };
    if (to >= this.segment.end()) this.#caughtUp = this.#options.clock.now();
    onProgress(delivered, deadLetters);
  }

  /** A record that cannot be kept as a dead letter is not acknowledged: it waits until the disk takes it. */
  async #deadLettered(deadLetters: readonly DeadLetter[], stopped: AbortSignal): Promise<void> {
    for (;;) {
      try {
        return await this.segment.deadLetterLines(deadLetters);
      } catch (error) {
        if (hasCode(error, "ERR_LEASE_LOST")) throw error;
        this.#options.onTrouble("dead letters", error);
      }
      await this.#signal.wait(DISK_RETRY_MS);
      if (stopped.aborted) throw new Stopped("Stopped while keeping dead letters");
    }
  }
}
