/**
 * The sender of a process: drains its own log and what others left, side by side.
 *
 * @module
 */

import { WeaveWalError } from "../errors.ts";
import type { Clock, Timer } from "../runtime/runtime.ts";
import type { FileSegment } from "../wal/segment/file_segment.ts";
import type { Recovery } from "../wal/ownership/orphan_scanner.ts";
import type { Segment } from "../wal/segment/segment.ts";
import type { Deliverer } from "./delivery_client.ts";
import { Drain, type DrainOptions, endOf, POLL_MS } from "./drain.ts";
import { Wakeup } from "./async/signal.ts";

/** Ms between two looks for what other processes left. */
export const SCAN_MS = 2_000;

/** What a sender is made from. */
export interface SenderOptions {
  readonly clock: Clock;
  readonly deliverer: Deliverer;
  readonly drain: DrainOptions;
  /** Finds what others left; absent where there is no disk. */
  readonly recovery?: Recovery;
  /** The directories to look in, asked at every look. */
  readonly directories: () => string[];
  /** Told of trouble with the disk that the sender lives with. */
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Told when another sender has taken over a segment of the own log. */
  readonly onLost: () => void;
  /** Told of segments of other processes as they are taken up. */
  readonly onRecovered: (segment: FileSegment) => void;
}

/** Why a wait for delivery ended early. */
export type WaitEnd = "done" | "timeout" | "aborted";

/** Sends what the log holds, in the background. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #own: Drain[] = [];
  readonly #recovered = new Set<Drain>();
  readonly #running = new Set<Promise<unknown>>();
  #watchers: (() => void)[] = [];
  #current: Drain | null = null;
  #timer: Timer | null = null;
  #stopped = false;
  readonly #lost: Wakeup;

  /** Makes a sender that has not begun to look for what others left. */
  constructor(options: SenderOptions) {
    this.#options = options;
    this.#lost = new Wakeup(options.clock);
  }

  /** Looks for what others left, now and every {@linkcode SCAN_MS}. */
  start(): void {
    this.#scan();
  }

  /** Takes up the next segment of this process's own log. */
  add(segment: Segment): void {
    this.#own.push(new Drain(segment, this.#options.drain));
    if (this.#current === null) this.#run(this.#drainOwn());
  }

  /** There may be more to drain in the own log. Cheap: called at every append. */
  notify(): void {
    this.#current?.notify();
  }

  /** The drains under way or waiting: the own log's in order, then the recovered ones. */
  drains(): Drain[] {
    return [...this.#own, ...this.#recovered];
  }

  /** Bytes that wait. */
  pendingBytes(): number {
    return this.drains().reduce((sum, drain) => sum + drain.pendingBytes, 0);
  }

  /**
   * Resolves when everything that is in the logs now is delivered or set aside, or when time is up.
   *
   * @param timeout Ms; without it there is no limit.
   * @param ownOnly Waits for this process's own log only, and takes up nothing of others.
   */
  async wait(
    timeout: number | undefined,
    signal: AbortSignal | undefined,
    ownOnly = false,
  ): Promise<WaitEnd> {
    if (signal?.aborted) return "aborted";
    const { clock, deliverer } = this.#options;
    if (!this.#stopped && !ownOnly) this.#look();
    const targets = new Map<Drain, number>();
    const aim = (drain: Drain): unknown => targets.set(drain, endOf(drain.segment) ?? Infinity);
    for (const drain of ownOnly ? this.#own : this.drains()) aim(drain);
    const isDone = (): boolean => {
      // A writer's next segment is taken up when the one before it is done.
      for (const drain of ownOnly ? [] : this.#recovered) {
        if (!targets.has(drain)) aim(drain);
      }
      return [...targets].every(([drain, end]) =>
        this.#isOver(drain) || (drain.reached >= end && !drain.segment.isSealed())
      );
    };
    const hurry = (): void => {
      for (const drain of targets.keys()) if (!drain.ended) drain.hurry();
    };
    hurry();
    deliverer.gate.hurry();
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
        else hurry();
      };
      // What another process writes is looked at now and then; that there is no more tells nobody.
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
      look();
    });
  }

  /** Whether nothing of a drain's segment waits, as far as this process has to care. */
  #isOver(drain: Drain): boolean {
    return drain.end === "complete" || (drain.end === "lost" && !this.#own.includes(drain));
  }

  /**
   * Gives up the oldest segment that no record will be added to.
   *
   * @returns Whether there was one.
   */
  dropOldest(): boolean {
    const oldest = this.drains()
      .filter(({ segment, ended, dropped }) => !ended && !dropped && segment.isSealed())
      .sort((a, b) => a.segment.name < b.segment.name ? -1 : 1)[0];
    oldest?.drop();
    return oldest !== undefined;
  }

  /** Stops everything that is under way and gives the claims back. What is left stays in the log. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#options.deliverer.stop();
    // Each is told by itself: Node warns of a signal that more than ten listen to.
    for (const drain of this.drains()) drain.stop();
    this.#lost.wake();
    await Promise.all([...this.#running]);
    this.changed();
  }

  /** Gives the claims back at once, where there is no time to stop. */
  abandon(): void {
    for (const { segment } of this.drains()) {
      try {
        segment.release();
      } catch {
        // The next sender finds this process gone.
      }
    }
  }

  async #drainOwn(): Promise<void> {
    for (let drain = this.#own[0]; drain && !this.#stopped; drain = this.#own[0]) {
      this.#current = drain;
      const end = await drain.run();
      if (end === "stopped") break;
      if (end === "lost") {
        this.#options.onLost();
        await this.#gone(drain);
        if (this.#stopped) break;
      }
      this.#own.shift();
      this.changed();
    }
    this.#current = null;
    if (this.#stopped) { for (const drain of this.#own) drain.segment.release(); }
  }

  /** Waits until a segment that was lost is drained by whoever has it: the next must not overtake it. */
  async #gone({ segment }: Drain): Promise<void> {
    this.#options.recovery?.adopt(segment.name);
    while (!this.#stopped && !segment.isGone()) await this.#lost.wait(POLL_MS);
  }

  async #drainRecovered(drain: Drain): Promise<void> {
    this.#recovered.add(drain);
    const end = await drain.run();
    this.#recovered.delete(drain);
    // The same writer may have left more, which was not to be begun before this was done.
    if (end === "complete" && !this.#stopped) this.#look();
    this.changed();
  }

  #scan(): void {
    if (this.#stopped) return;
    this.#look();
    this.#timer = this.#options.clock.after(SCAN_MS, () => this.#scan());
  }

  #look(): void {
    const { recovery, directories, drain, onTrouble, onRecovered } = this.#options;
    if (!recovery) return;
    for (const directory of directories()) {
      try {
        for (const segment of recovery.claim(directory)) {
          onRecovered(segment);
          this.#run(this.#drainRecovered(new Drain(segment, drain)));
        }
      } catch (error) {
        if (!isGone(error)) onTrouble("recovery", error);
      }
    }
  }

  #run(work: Promise<void>): void {
    const running: Promise<void> = work
      .catch((error) => this.#options.onTrouble("sender", error))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Something was acknowledged or ended: whoever waits looks again. */
  changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

function isGone(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === "ENOENT" || error instanceof WeaveWalError;
}

/** A timer that does nothing but keep the program alive while somebody waits. */
function keepAlive(clock: Clock): Timer {
  let timer: Timer;
  const again = (): void => {
    timer = clock.after(60_000, again, { ref: true });
  };
  again();
  return { cancel: () => timer.cancel() };
}
