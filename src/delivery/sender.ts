/**
 * The sender of a process: drains its own log, and beside it what other processes left.
 *
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
import type { Recovery } from "./recovery/recovery.ts";

/** Options for {@linkcode Sender}. */
export interface SenderOptions {
  readonly clock: Clock;
  readonly deliveryClient: DeliveryTarget;
  readonly drain: DrainOptions;
  /** Sends what others left; absent if there is no disk. */
  readonly recovery?: Recovery | undefined;
  /** Reports an error that the sender tolerates. */
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Called when another sender has taken over a segment of the own log. */
  readonly onLost: () => void;
}

/** Extent of a wait or a count: the own log; also orphaned segments of this sender, or of all. */
export type Scope = "own" | "held" | "all";

/** The end of a wait for delivery. */
export type WaitEnd = "done" | "timeout" | "aborted";

/** A segment of the own log, and its end when a wait for it began. */
interface Target {
  readonly segment: Segment;
  readonly end: number;
}

/** Sends what the log holds, in the background. */
export class Sender {
  readonly #options: SenderOptions;
  /** Segments of the own log, oldest first; the first one is being drained. */
  readonly #own: Segment[] = [];
  readonly #running = new Set<Promise<unknown>>();
  #watchers: (() => void)[] = [];
  #current: Drain | null = null;
  #stopped = false;
  readonly #lost: Signal;

  /** Makes a sender that has not begun to look for what others left. */
  constructor(options: SenderOptions) {
    this.#options = options;
    this.#lost = new Signal(options.clock);
  }

  /** Begins to look for what others left. */
  start(): void {
    this.#options.recovery?.start();
  }

  /** Adds the next segment of this process's own log. */
  add(segment: Segment): void {
    const last = this.#own.at(-1);
    // However many segments wait, only the first and the last are open.
    if (last !== undefined && last !== this.#current?.segment) last.park?.();
    this.#own.push(segment);
    if (this.#own.length === 1) this.#run(this.#drainOwn());
  }

  /** There may be more to drain in the own log. Cheap: called at every append. */
  notify(): void {
    this.#current?.notify();
  }

  /** Sends now instead of at the end of a backoff or a linger. */
  sendNow(): void {
    for (const drain of this.drains()) drain.sendNow();
    this.#options.deliveryClient.breaker.probeNow();
  }

  /** Drains in progress: the own log's, then those of other processes' segments. */
  drains(): Drain[] {
    return [...(this.#current ? [this.#current] : []), ...(this.#options.recovery?.drains ?? [])];
  }

  /** Whether every segment of the own log is delivered and removed. */
  get isEmpty(): boolean {
    return this.#own.length === 0;
  }

  /** Segments of the own log that wait for the one that is being drained. */
  waiting(): Segment[] {
    return this.#own.filter((segment) => segment !== this.#current?.segment);
  }

  /** Counts what waits in the own log, and in orphaned segments. */
  async pending(scope: "held" | "all"): Promise<Waiting> {
    const budget = new CountBudget();
    const others = await this.#options.recovery?.pending(scope, budget) ?? NOTHING_WAITS;
    return sumWaiting([others, await this.pendingOwn(budget)]);
  }

  /** Counts what waits in the own log. */
  async pendingOwn(budget: CountBudget = new CountBudget()): Promise<Waiting> {
    const waiting = this.waiting().map((segment): Waiting => ({
      records: segment.records ?? 0,
      bytes: Math.max(0, (endOf(segment) ?? 0) - segment.checkpoint),
      isEstimate: false,
    }));
    return sumWaiting([...waiting, await this.#current?.pending(budget) ?? NOTHING_WAITS]);
  }

  /** When the oldest waiting record was written, epoch ms; `null` if none waits. */
  async oldestPending(): Promise<number | null> {
    const times = await Promise.all(this.drains().map((drain) => drain.oldestPending()));
    const known = times.filter((time) => time !== null);
    return known.length === 0 ? null : Math.min(...known);
  }

  /**
   * Resolves when everything that is in the logs now is delivered or dead-lettered, or when time is
   * up.
   *
   * @param timeout Ms; without it there is no limit.
   */
  async wait(
    timeout: number | undefined,
    signal: AbortSignal | undefined,
    scope: Scope,
  ): Promise<WaitEnd> {
    if (signal?.aborted) return "aborted";
    const { clock, deliveryClient, recovery } = this.#options;
    const last = this.#own.at(-1);
    const target = last && { segment: last, end: endOf(last) ?? Infinity };
    const others = scope === "own" || recovery === undefined ? null : recovery;
    let scanned = others === null || this.#stopped;
    const ends = new Map<Drain, number>();
    const isDone = (): boolean => {
      if (!this.#isReached(target) || !scanned) return false;
      if (others === null) return true;
      if (others.isDraining || others.isBlocked) return false;
      if (scope === "all" && others.isElsewhere) return false;
      return others.drains.every((drain) => {
        if (!ends.has(drain)) ends.set(drain, endOf(drain.segment) ?? Infinity);
        return drain.ended || (drain.reached >= ends.get(drain)! && !drain.segment.isSealed());
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
      const finish = (end: WaitEnd): void => {
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
      // What another process writes is looked at now and then: nothing tells that there is no more.
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
   * Gives up the oldest segment to which no record will be added, of those that are being drained.
   *
   * @returns Whether there was one, once its file is removed.
   */
  async dropOldest(): Promise<boolean> {
    const oldest = this.drains()
      .filter(({ segment, ended, dropped }) => !ended && !dropped && segment.isSealed())
      .sort((a, b) => a.segment.begun - b.segment.begun)[0];
    await oldest?.drop();
    return oldest !== undefined;
  }

  /** Stops everything in progress and gives the leases back. What is left stays in the log. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#options.deliveryClient.stop();
    this.#current?.stop();
    this.#lost.wake();
    await this.#options.recovery?.stop();
    await Promise.all([...this.#running]);
    this.changed();
  }

  /** Gives everything back at once, where there is no time to stop. */
  abandon(): void {
    this.#options.recovery?.abandon();
    for (const segment of this.#own) {
      try {
        segment.release();
      } catch {
        // The next sender finds this process dead.
      }
    }
  }

  /** Whether everything up to a place in the own log is delivered or dead-lettered. */
  #isReached(target: Target | undefined): boolean {
    if (target === undefined || !this.#own.includes(target.segment)) return true;
    const drain = this.#current;
    return drain?.segment === target.segment && drain.reached >= target.end &&
      !target.segment.isSealed();
  }

  async #drainOwn(): Promise<void> {
    for (let segment = this.#own[0]; segment && !this.#stopped; segment = this.#own[0]) {
      const drain = this.#current = new Drain(segment, this.#options.drain);
      const end = await drain.run();
      if (end === "stopped") break;
      if (end === "lost") {
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

  /** Waits until a segment that was lost is drained by its new holder: the next must not overtake it. */
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

  /** Something was acknowledged or ended: waiters look again. */
  changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** A timer that does nothing but keep the program alive while there are waiters. */
function keepAlive(clock: Clock): Timer {
  let timer: Timer;
  const again = (): void => {
    timer = clock.after(60_000, again, { ref: true });
  };
  again();
  return { cancel: () => timer.cancel() };
}
