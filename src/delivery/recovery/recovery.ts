/**
 * Recovery of everything below the root of all logs that no running process sends.
 *
 * @module
 */

import type { Clock, Timer } from "../../runtime/runtime.ts";
import { removeDeadPresences } from "../../wal/ownership/process_list.ts";
import type { CountBudget } from "../../wal/segment/pending_count.ts";
import { sumWaiting, type Waiting } from "../../wal/segment/waiting_counter.ts";
import { DirectoryRecovery } from "./directory_recovery.ts";
import type { DirectoryRecoveryOptions } from "./directory_recovery_options.ts";
import type { Drain } from "../drain/drain.ts";

/** Ms between two scans for orphaned segments. */
export const SCAN_MS = 2_000;

/** Options for {@linkcode Recovery}. */
export interface RecoveryOptions extends Omit<DirectoryRecoveryOptions, "directory"> {
  /** The directories to look in, asked at every scan. */
  readonly directories: () => string[];
}

/** Finds orphaned segments and sends them, in the background. */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #clock: Clock;
  readonly #directories = new Map<string, DirectoryRecovery>();
  #timer: Timer | null = null;
  #scanning: Promise<void> | null = null;
  #stopped = false;
  #hasScanned = false;
  /** Whether presence files are to be looked at after the next scan. */
  #sweepDue = true;

  /** Makes a recovery that has not begun. */
  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#clock = options.runtime.clock;
  }

  /** Scans now and every {@linkcode SCAN_MS}. */
  start(): void {
    void this.scan().finally(() => {
      if (!this.#stopped) this.#timer = this.#clock.after(SCAN_MS, () => this.start());
    });
  }

  /** Scans all directories once; a scan in progress counts. Never rejects. */
  scan(): Promise<void> {
    return this.#scanning ??= this.#scan().finally(() => this.#scanning = null);
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

  /** Whether other processes send segments of dead processes, as the last scan found. */
  get isElsewhere(): boolean {
    return [...this.#directories.values()].some(({ isElsewhere }) => isElsewhere);
  }

  /**
   * Counts what waits in orphaned segments.
   *
   * @param scope Those that this process is to send, or also those that other processes send.
   */
  async pending(scope: "held" | "all", budget: CountBudget): Promise<Waiting> {
    if (!this.#hasScanned) await this.scan();
    const counts: Waiting[] = [];
    for (const recovery of this.#directories.values()) {
      counts.push(await recovery.pending(budget));
      if (scope === "all") counts.push(await recovery.pendingElsewhere(budget));
    }
    return sumWaiting(counts);
  }

  /** A segment of this process is not its own to drain any more: it counts as an orphan. */
  reclaim(stem: string): void {
    this.#sweepDue = true;
    this.#options.scanner.reclaim(stem);
  }

  /** Sends heartbeats for the leases that are held; throws the first error when all had their turn. */
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

  /** The server does not accept requests: gives the leases back, another process may reach it. */
  async pause(): Promise<void> {
    await Promise.all([...this.#directories.values()].map((recovery) => recovery.pause()));
  }

  /** Stops the drains and gives the leases back. What is not delivered stays on disk. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#options.scanner.stop();
    await Promise.all([...this.#directories.values()].map((recovery) => recovery.stop()));
    await this.#scanning;
    // While segments wait, most of their processes have to stay known.
    if (this.#sweepDue && this.#hasScanned && !this.isBlocked) await this.#sweep();
  }

  /** Gives the leases back at once, where there is no time to stop. */
  abandon(): void {
    this.#stopped = true;
    for (const recovery of this.#directories.values()) {
      try {
        recovery.abandon();
      } catch {
        // The next sender finds this process dead.
      }
    }
  }

  async #scan(): Promise<void> {
    const { directories, drain } = this.#options;
    for (const directory of directories()) {
      if (this.#stopped) return;
      try {
        await this.#recoveryOf(directory).look();
      } catch (error) {
        drain.onTrouble("recovery", error);
      }
    }
    this.#hasScanned = true;
    if (this.#sweepDue && !this.#stopped && !this.isDraining) await this.#sweep();
  }

  #recoveryOf(directory: string): DirectoryRecovery {
    const known = this.#directories.get(directory);
    if (known) return known;
    const { onComplete } = this.#options;
    const recovery = new DirectoryRecovery({
      ...this.#options,
      directory,
      onComplete: (start) => {
        this.#sweepDue = true;
        onComplete(start);
      },
    });
    this.#directories.set(directory, recovery);
    return recovery;
  }

  async #sweep(): Promise<void> {
    const { runtime, root, scanner, drain, directories } = this.#options;
    this.#sweepDue = false;
    try {
      this.#sweepDue = await removeDeadPresences(runtime, root, async () => {
        for (const directory of directories()) await scanner.refresh(directory);
        return scanner.writers;
      });
    } catch (error) {
      drain.onTrouble("recovery", error);
    }
  }
}
