/**
 * Recovery of all segments below the root directory that no running process sends.
 * @module
 */

import type { Clock, Timer } from "../../runtime/runtime.ts";
import { removeDeadPresences } from "../../wal/processes/process_list.ts";
import type { CountBudget } from "../../wal/segment/pending_count.ts";
import { sumWaiting, type Waiting } from "../../wal/segment/waiting_counter.ts";
import { DirectoryRecovery } from "./directory_recovery.ts";
import type { DirectoryRecoveryOptions } from "./directory_recovery_options.ts";
import type { Drain } from "../drain/drain.ts";
import { earliest } from "./undrained_segments.ts";
import { SCAN_MS, ScanPace } from "./scan_pace.ts";

/** Ms between two sweeps of presence files while the first one left files that were too recent. */
const SWEEP_AGAIN_MS = 60_000;

/** Returns the directories to scan; called for every scan. */
export type DirectoriesToScan = () => readonly string[] | Promise<readonly string[]>;

/** Options for {@linkcode Recovery}. */
export interface RecoveryOptions extends Omit<DirectoryRecoveryOptions, "directory"> {
  readonly directories: DirectoriesToScan;
  /** Called after a scan of all directories without an error. */
  readonly onScanned?: (() => void) | undefined;
}

/** Finds orphaned segments and sends them in the background. */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #clock: Clock;
  readonly #directories = new Map<string, DirectoryRecovery>();
  #timer: Timer | null = null;
  #scanning: Promise<void> | null = null;
  #stopped = false;
  #hasScanned = false;
  /** Time of the next sweep of presence files, on the monotonic clock. */
  #sweepAt = -Infinity;
  readonly #pace: ScanPace;
  /** Number of callers that wait for what scans find. */
  #watchers = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#clock = options.runtime.clock;
    this.#pace = new ScanPace(this.#clock);
  }

  /**
   * Scans after the caller has yielded to the event loop, and then every {@linkcode SCAN_MS}; large
   * directories less often, except when the server is back.
   */
  start(): void {
    this.#scanAfter(0);
  }

  #scanAfter(ms: number): void {
    if (this.#stopped) return;
    this.#timer = this.#clock.after(ms, () => {
      void this.#scanOnce(this.#watchers > 0).finally(() => this.#scanAfter(SCAN_MS));
    });
  }

  /** Scans all directories once, or joins a scan in progress. Never rejects. */
  scan(): Promise<void> {
    return this.#scanOnce(true);
  }

  /**
   * Keeps scans of large directories as frequent as those of small ones, for a caller that waits
   * for what they find. Returns a function that ends this.
   */
  watch(): () => void {
    this.#watchers++;
    return () => void this.#watchers--;
  }

  /** Drains in progress. */
  get drains(): Drain[] {
    return [...this.#directories.values()].flatMap(({ drains }) => drains);
  }

  /** Whether segments of dead processes are being sent. */
  get isDraining(): boolean {
    return [...this.#directories.values()].some(({ isDraining }) => isDraining);
  }

  /** Whether there are orphaned segments that cannot be sent now. */
  get isBlocked(): boolean {
    return [...this.#directories.values()].some(({ isBlocked }) => isBlocked);
  }

  /** Whether other processes send segments of dead processes, as of the last scan. */
  get isElsewhere(): boolean {
    return [...this.#directories.values()].some(({ isElsewhere }) => isElsewhere);
  }

  /**
   * Counts pending records in orphaned segments.
   * @param scope Segments that this process has to send, or also those that other processes send,
   *   and ends that wait for starts in other logs.
   */
  async pending(scope: "held" | "all", budget: CountBudget): Promise<Waiting> {
    return sumWaiting([...(await this.pendingByDirectory(scope, budget)).values()]);
  }

  /** The same for each project's directory. */
  async pendingByDirectory(
    scope: "held" | "all",
    budget: CountBudget,
  ): Promise<ReadonlyMap<string, Waiting>> {
    if (!this.#hasScanned) await this.scan();
    const counts = new Map<string, Waiting>();
    for (const [directory, recovery] of this.#directories) {
      counts.set(directory, await recovery.pending(scope, budget));
    }
    return counts;
  }

  /**
   * Returns when the oldest pending record of orphaned segments outside a drain was written, epoch
   * ms; `null` if there is none.
   */
  async oldestPending(): Promise<number | null> {
    if (!this.#hasScanned) await this.scan();
    const times: (number | null)[] = [];
    for (const recovery of this.#directories.values()) times.push(await recovery.oldestPending());
    return earliest(times);
  }

  /** Treats a segment of this process as an orphan, because this process may no longer drain it. */
  reclaim(stem: string): void {
    this.#sweepAt = -Infinity;
    this.#options.scanner.reclaim(stem);
  }

  /** Sends heartbeats for the leases held; after all of them, throws the first error. */
  heartbeat(): void {
    const errors: unknown[] = [];
    for (const recovery of this.#directories.values()) {
      try {
        recovery.heartbeat();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  /**
   * Releases the leases while the server does not accept requests: another process may reach it.
   */
  async pause(): Promise<void> {
    await Promise.all([...this.#directories.values()].map((recovery) => recovery.pause()));
  }

  /** Stops the drains and releases the leases. Undelivered records stay on disk. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#options.scanner.stop();
    await Promise.all([...this.#directories.values()].map((recovery) => recovery.stop()));
    await this.#scanning;
    // While segments wait, most of their processes have to stay known.
    if (this.#sweepAt < Infinity && this.#hasScanned && !this.isBlocked) await this.#sweep();
  }

  /** Releases the leases synchronously, for exits without time to stop. */
  abandon(): void {
    this.#stopped = true;
    for (const recovery of this.#directories.values()) {
      try {
        recovery.abandon();
      } catch {
        // The next sender detects that this process is dead.
      }
    }
  }

  #scanOnce(isForced: boolean): Promise<void> {
    return this.#scanning ??= this.#scan(isForced).finally(() => this.#scanning = null);
  }

  async #scan(isForced: boolean): Promise<void> {
    const { directories, drain, onScanned } = this.#options;
    let isComplete = true;
    for (const directory of await directories()) {
      if (this.#stopped) return;
      const recovery = this.#recoveryOf(directory);
      if (!isForced && !this.#pace.isDue(directory) && !recovery.isServerBack) {
        isComplete = false;
        continue;
      }
      try {
        await recovery.look();
      } catch (error) {
        isComplete = false;
        drain.onTrouble("recovery", error);
      }
      this.#pace.scanned(directory, recovery.names);
    }
    this.#hasScanned = true;
    if (isComplete) onScanned?.();
    const isSweepDue = this.#sweepAt <= this.#clock.monotonic();
    if (isSweepDue && !this.#stopped && !this.isDraining) await this.#sweep();
  }

  #recoveryOf(directory: string): DirectoryRecovery {
    const known = this.#directories.get(directory);
    if (known) return known;
    const { onComplete } = this.#options;
    const recovery = new DirectoryRecovery({
      ...this.#options,
      directory,
      onComplete: (start, sent) => {
        this.#sweepAt = -Infinity;
        this.#pace.forget(directory);
        onComplete(start, sent);
      },
    });
    this.#directories.set(directory, recovery);
    return recovery;
  }

  async #sweep(): Promise<void> {
    const { runtime, root, scanner, drain, directories } = this.#options;
    this.#sweepAt = Infinity;
    try {
      const leavesRecent = await removeDeadPresences(runtime, root, {
        isWriter: (token) => scanner.isWriter(token),
        async refresh() {
          for (const directory of await directories()) await scanner.refresh(directory);
        },
      });
      if (leavesRecent) this.#sweepAt = this.#clock.monotonic() + SWEEP_AGAIN_MS;
    } catch (error) {
      drain.onTrouble("recovery", error);
    }
  }
}
