/**
 * Sender of a process: drains its own log and, concurrently, segments of other processes.
 * @module
 */

import type { Clock, Timer } from "../runtime/runtime.ts";
import type { Segment } from "../wal/segment/segment.ts";
import { CountBudget } from "../wal/segment/pending_count.ts";
import { NOTHING_WAITS, sumWaiting, type Waiting } from "../wal/segment/waiting_counter.ts";
import { Signal } from "./async/signal.ts";
import type { DeliveryTarget } from "./delivery_client.ts";
import { Drain } from "./drain/drain.ts";
import { type DrainOptions, POLL_MS } from "./drain/drain_options.ts";
import { endOf } from "./drain/drain_progress.ts";
import { HeldDrains } from "./drain/held_drains.ts";
import { LateRemovals } from "./drain/late_removals.ts";
import { isPassed, keepAlive, type Scope, type WaitEnd, type WaitLimits } from "./delivery_wait.ts";
import type { Recovery } from "./recovery/recovery.ts";
import { earliest } from "./recovery/undrained_segments.ts";

/** Options for {@linkcode Sender}. */
export interface SenderOptions {
  readonly clock: Clock;
  readonly deliveryClient: DeliveryTarget;
  readonly drain: DrainOptions;
  /** Sends segments of other processes; absent if there is no disk. */
  readonly recovery?: Recovery | undefined;
  /** Reports an error that the sender tolerates. */
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Called when another sender has taken over a segment of the own log. */
  readonly onLost: () => void;
}

/** Segment of the own log, and its end when the wait began. */
interface Target {
  readonly segment: Segment;
  readonly end: number;
}

/** Sends the log in the background. */
export class Sender {
  readonly #options: SenderOptions;
  /** Segments of the own log, oldest first; the first is being drained. */
  readonly #own: Segment[] = [];
  readonly #running = new Set<Promise<unknown>>();
  /** Drains of segments before those in `#own` that wait for starts in other logs. */
  readonly #held = new HeldDrains();
  readonly #removals: LateRemovals;
  #watchers: (() => void)[] = [];
  #current: Drain | null = null;
  #stopped = false;
  readonly #lost: Signal;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#removals = new LateRemovals(options.clock, options.drain);
    this.#lost = new Signal(options.clock);
  }

  /** Starts the recovery of other processes' segments. */
  start(): void {
    this.#options.recovery?.start();
  }

  /** Adds the next segment of this process's own log. */
  add(segment: Segment): void {
    const last = this.#own.at(-1);
    // However many segments are pending, only the first and the last are open.
    if (last !== undefined && last !== this.#current?.segment) last.park?.();
    this.#own.push(segment);
    if (this.#own.length === 1) this.#run(this.#drainOwn());
  }

  /** Announces new records in the own log. Cheap: called at every append. */
  notify(): void {
    this.#current?.notify();
  }

  /** Sends at once instead of at the end of a backoff or a linger. */
  sendNow(): void {
    for (const drain of this.drains()) drain.sendNow();
    this.#options.deliveryClient.breaker.probeNow(true);
  }

  /** Drains in progress: that of the own log, then those of other processes' segments. */
  drains(): Drain[] {
    return [...this.#ownDrains, ...(this.#options.recovery?.drains ?? [])];
  }

  /** Whether every segment of the own log is delivered and removed. */
  get isEmpty(): boolean {
    return this.#own.length === 0 && this.#held.all.length === 0 && this.#removals.isEmpty;
  }

  /** Segments of the own log that wait for the one being drained. */
  waiting(): Segment[] {
    return this.#own.filter((segment) => segment !== this.#current?.segment);
  }

  /** Counts pending records in the own log and in orphaned segments. */
  async pending(scope: "held" | "all"): Promise<Waiting> {
    const budget = new CountBudget();
    const others = await this.#options.recovery?.pending(scope, budget) ?? NOTHING_WAITS;
    return sumWaiting([others, await this.pendingOwn(budget)]);
  }

  /** Counts pending records in the own log. */
  async pendingOwn(budget: CountBudget = new CountBudget()): Promise<Waiting> {
    const waiting = this.waiting().map((segment): Waiting => ({
      records: segment.records ?? 0,
      bytes: Math.max(0, (endOf(segment) ?? 0) - segment.checkpoint),
      isEstimate: false,
    }));
    const counts = this.#ownDrains.map((drain) => drain.pending(budget));
    return sumWaiting([...waiting, ...await Promise.all(counts)]);
  }

  /** Returns when the oldest pending record was written, epoch ms; `null` if none is pending. */
  async oldestPending(): Promise<number | null> {
    const inDrains = this.drains().map((drain) => drain.oldestPending());
    const others = this.#options.recovery?.oldestPending() ?? null;
    return earliest(await Promise.all([...inDrains, others]));
  }

  /**
   * Resolves when all current records of the logs are delivered or dead-lettered, or at the time
   * limit.
   * @param limits `timeout` in ms; without it there is no limit.
   */
  async wait({ timeout, signal, isForRead = false }: WaitLimits, scope: Scope): Promise<WaitEnd> {
    if (signal?.aborted) return "aborted";
    const { clock, deliveryClient, recovery } = this.#options;
    const last = this.#own.at(-1);
    const target = last && { segment: last, end: endOf(last) ?? Infinity };
    const others = scope === "own" || recovery === undefined ? null : recovery;
    let scanned = others === null || this.#stopped;
    const ends = new Map<Drain, number>();
    const isDone = (): boolean => {
      if (!this.#isReached(target, isForRead) || !scanned) return false;
      if (others === null) return true;
      if (others.isDraining || others.isBlocked) return false;
      if (scope === "all" && others.isElsewhere) return false;
      return others.drains.every((drain) => {
        if (!ends.has(drain)) ends.set(drain, endOf(drain.segment) ?? Infinity);
        // Nothing that this process does ends the wait for a start in another log.
        if (scope === "held" && drain.isHolding) return true;
        return drain.ended || isPassed(drain, ends.get(drain)!, isForRead);
      });
    };
    const sendNow = (): void => {
      const mine = target === undefined ? [] : [this.#current];
      for (const drain of [...mine, ...(others?.drains ?? [])]) drain?.sendNow();
    };
    sendNow();
    deliveryClient.breaker.probeNow();
    return await new Promise<WaitEnd>((resolve) => {
      const timers: Timer[] = [];
      const unwatch = others?.watch();
      const finish = (end: WaitEnd): void => {
        unwatch?.();
        for (const timer of timers) timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        this.#watchers = this.#watchers.filter((watcher) => watcher !== look);
        resolve(end);
      };
      const look = (): void => {
        if (isDone()) finish("done");
        else if (this.#stopped) finish("aborted");
        else sendNow();
      };
      // Segments that another process writes are polled: no event announces their end.
      const poll = (): void => {
        timers[0] = clock.after(POLL_MS, () => {
          poll();
          look();
        });
      };
      poll();
      const onAbort = (): void => finish("aborted");
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#watchers.push(look);
      if (timeout !== undefined) {
        timers.push(clock.after(timeout, () => finish("timeout"), { ref: true }));
      } else {
        timers.push(keepAlive(clock));
      }
      if (others !== null && !scanned) {
        void others.scan().then(() => {
          scanned = true;
          look();
        });
      }
      look();
    });
  }

  /**
   * Drops the oldest segment being drained to which no record will be added.
   * @returns Whether there was one, once its file is removed.
   */
  async dropOldest(): Promise<boolean> {
    const oldest = this.drains()
      .filter(({ segment, ended, dropped }) => !ended && !dropped && segment.isSealed())
      .sort((a, b) => a.segment.begun - b.segment.begun)[0];
    await oldest?.drop();
    return oldest !== undefined;
  }

  /** Stops work in progress and releases the leases. Remaining records stay in the log. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#options.deliveryClient.stop();
    for (const drain of this.#ownDrains) drain.stop();
    this.#lost.wake();
    this.#removals.stop();
    await this.#options.recovery?.stop();
    await Promise.all([...this.#running]);
    this.changed();
  }

  /** Releases everything synchronously, for exits without time to stop. */
  abandon(): void {
    this.#options.recovery?.abandon();
    // A drain knows what is delivered after the checkpoint; a second release has no effect.
    for (const held of [...this.#ownDrains, ...this.#own]) {
      try {
        held.release();
      } catch {
        // The next sender detects that this process is dead.
      }
    }
  }

  /** Returns whether everything up to a position in the own log is delivered or dead-lettered. */
  #isReached(target: Target | undefined, isForRead: boolean): boolean {
    if (this.#held.all.length > 0 && !isForRead) return false;
    if (target === undefined || !this.#own.includes(target.segment)) return true;
    const drain = this.#current;
    return drain?.segment === target.segment && isPassed(drain, target.end, isForRead);
  }

  get #ownDrains(): Drain[] {
    return [...this.#held.all, ...(this.#current ? [this.#current] : [])];
  }

  async #drainOwn(): Promise<void> {
    await null; // Drains after the append that created the segment has returned.
    for (let segment = this.#own[0]; segment && !this.#stopped; segment = this.#own[0]) {
      const drain = this.#current = new Drain(segment, this.#options.drain);
      const end = await this.#held.run(drain);
      if (end === "stopped") break;
      if (end === "holding" || drain.isSettled) this.#run(this.#ended(drain));
      else if (end === "lost") {
        this.#options.onLost();
        await this.#handedOver(segment);
        if (this.#stopped) break;
      }
      this.#own.shift();
      this.#current = null;
      this.changed();
    }
    this.#current = null;
    if (this.#stopped) { for (const segment of this.#own) segment.release(); }
  }

  /** Waits for the end of a drain for which the segments after it do not wait. */
  async #ended(drain: Drain): Promise<void> {
    const end = await drain.run();
    if ((drain.isSettled ? await this.#removals.run(drain.segment) : end) === "lost") {
      this.#options.onLost();
      this.#options.recovery?.reclaim(drain.segment.name);
    }
    this.changed();
  }

  /**
   * Waits until the new holder of a lost segment has drained it: the next segment must not overtake
   * it.
   */
  async #handedOver(segment: Segment): Promise<void> {
    this.#options.recovery?.reclaim(segment.name);
    while (!this.#stopped && !segment.isGone()) await this.#lost.wait(POLL_MS);
  }

  #run(work: Promise<void>): void {
    const running: Promise<void> = work
      .catch((error) => this.#options.onTrouble("sender", error))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Wakes the waiters after an acknowledgement or the end of a drain. */
  changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
