/**
 * Recovers one project's directory: drains orphaned segments under its leases.
 * @module
 */

import { hasCode } from "../../errors.ts";
import { partitionInSlices, sortInSlices, visitInSlices } from "../../runtime/event_loop.ts";
import { OpenCallsKeepers } from "../../wal/open_calls/open_calls_keeper.ts";
import { continuesAfter } from "../../wal/orphans/continues_after.ts";
import { byStem, type ListedSegment } from "../../wal/orphans/directory_listing.ts";
import type { Orphans } from "../../wal/orphans/orphan_scanner.ts";
import { RecoveryLeases } from "../../wal/leases/recovery_leases.ts";
import type { CountBudget } from "../../wal/segment/pending_count.ts";
import { sumWaiting, type Waiting } from "../../wal/segment/waiting_counter.ts";
import { closeWriters } from "./close_writers.ts";
import type { DirectoryRecoveryOptions } from "./directory_recovery_options.ts";
import type { Drain } from "../drain/drain.ts";
import { ChainDrains } from "./chain_drains.ts";
import { OpenDrains } from "./open_drains.ts";
import { estimateRecords, RecoveryProgress } from "./recovery_progress.ts";
import { UndrainedSegments } from "./undrained_segments.ts";

/** Maximum number of segments in a chain; limits the number in memory. */
const MAX_CHAIN = 1_000;

/** Drains the orphaned segments of one directory. */
export class DirectoryRecovery {
  readonly #options: DirectoryRecoveryOptions;
  readonly #leases: RecoveryLeases;
  /** Drain segments of dead processes. */
  readonly #chains: ChainDrains;
  /** Segments of dead processes that follow the chain, oldest first. */
  #waiting: readonly ListedSegment[] = [];
  readonly #open: OpenDrains;
  readonly #running = new Set<Promise<void>>();
  #stopped = false;
  #isClosed = false;
  /** Whether the last scan skipped segments because the server did not accept requests. */
  #awaitsServer = false;
  #names = 0;
  readonly #undrained: UndrainedSegments;
  readonly #openCalls: OpenCallsKeepers;

  constructor(options: DirectoryRecoveryOptions) {
    this.#options = options;
    this.#leases = new RecoveryLeases(options);
    this.#openCalls = new OpenCallsKeepers(options.runtime, options.directory);
    const continues = (stems: readonly string[]): Promise<boolean> =>
      continuesAfter(options.runtime, options.directory, stems, this.#held);
    this.#chains = new ChainDrains({
      ...options,
      continues,
      sharesCalls: (segment) => options.scanner.sharesCalls(segment),
      leases: this.#leases,
      openCalls: this.#openCalls,
      isStopped: () => this.#stopped,
    });
    this.#open = new OpenDrains({
      ...options,
      openCalls: this.#openCalls,
      continues,
      sharesCalls: (segment) => options.scanner.sharesCalls(segment),
      isFinal: (segment) => options.scanner.isFinal(segment),
    });
    this.#undrained = new UndrainedSegments(options.runtime);
  }

  /** Drains in progress. */
  get drains(): Drain[] {
    return [...this.#chains.all, ...this.#open.all];
  }

  /**
   * Whether segments of dead processes are being sent, except ends that wait for starts in other
   * logs.
   */
  get isDraining(): boolean {
    return this.#chains.current !== null || this.#waiting.length > 0;
  }

  /** Names in the directory, as last listed. */
  get names(): number {
    return this.#names;
  }

  /** Whether there are orphaned segments without a drain. */
  get isBlocked(): boolean {
    return this.#undrained.blocked.length + this.#undrained.behind.length > 0;
  }

  /** Whether skipped segments can be sent, because the server accepts requests again. */
  get isServerBack(): boolean {
    return this.#awaitsServer && this.#options.isServerReady();
  }

  /** Whether another process sends segments of dead processes, as of the last scan. */
  get isElsewhere(): boolean {
    return this.#undrained.elsewhere.length > 0;
  }

  /**
   * Counts the pending records of drains, of segments after them, and of blocked segments; for
   * `all`, also of those that another process sends, and of drains that wait for starts in other
   * logs. All counts begin at once, because segments may change state during the count.
   */
  async pending(scope: "held" | "all", budget: CountBudget): Promise<Waiting> {
    const undrained = this.#undrained.pending(this.#afterChain, scope, budget);
    const counted = this.drains.filter((drain) => scope === "all" || !drain.isHolding);
    const counts = counted.map((drain) => drain.pending(budget));
    return sumWaiting(await Promise.all([undrained, ...counts]));
  }

  /** Returns when the oldest pending record outside a drain was written, epoch ms. */
  async oldestPending(): Promise<number | null> {
    return await this.#undrained.oldestPending(this.#afterChain);
  }

  /** Segments of dead processes that no drain has yet. */
  get #afterChain(): readonly ListedSegment[] {
    const { current } = this.#chains;
    const isInChain = current?.end === null || current?.end === "complete";
    return this.#waiting.slice(isInChain ? MAX_CHAIN : 0);
  }

  /** Scans for orphaned segments and starts to drain them. Rejects with the file system error. */
  async look(): Promise<void> {
    if (this.isDraining || this.#stopped) return;
    const { clock } = this.#options.runtime;
    let { final, open, interrupted } = await this.#scan();
    if (this.#stopped || this.isDraining) return;
    this.#undrained.elsewhere = [];
    const stems: ListedSegment[] = [];
    await visitInSlices(interrupted, (writer) => void stems.push(...writer.stems), clock);
    const orphans = open.length === 0
      ? final
      : await sortInSlices([...final, ...open], byStem, clock);
    if (this.#stopped) return;
    const needed = [...orphans, ...stems];
    // They count as blocked until a drain has them: a flush in between must not report an empty
    // log.
    this.#undrained.blocked = orphans.length > 0 ? orphans : stems;
    this.#awaitsServer = needed.length > 0 && !this.#options.isServerReady();
    if (needed.length === 0 || this.#awaitsServer) return this.#releaseIfIdle();
    const prefixes = await this.#leases.prefixesOf(needed);
    if (this.#stopped) return;
    if (this.#leases.acquire(prefixes)) {
      this.#openCalls.clear();
      // Scan again: another holder may have moved checkpoints or removed segments in the meantime.
      ({ final, open, interrupted } = await this.#scan());
      // A pause has released the leases.
      if (this.#stopped) return this.#leases.release();
    }
    const isCovered = (segment: ListedSegment): boolean => this.#leases.covers(segment);
    // Segments whose leases other processes hold are left to those.
    const covered = await partitionInSlices(final, isCovered, clock);
    if (this.#stopped) return this.#leases.release();
    [final, this.#undrained.elsewhere] = covered;
    [open] = await partitionInSlices(open, isCovered, clock);
    if (this.#stopped) return this.#leases.release();
    for (const segment of open) this.#run(this.#drainOpen(segment));
    this.#undrained.blocked = final.length > 0 ? final : stems;
    const isStopped = (): boolean => this.#stopped;
    const closed = await closeWriters(this.#options, this.#leases, interrupted, isStopped);
    if (closed.length > 0) final = await sortInSlices([...final, ...closed], byStem, clock);
    if (this.#stopped) return this.#leases.release();
    this.#undrained.blocked = [];
    if (final.length > 0) this.#run(this.#drainFinal(final));
    else this.#releaseIfIdle();
  }

  /** Sends heartbeats for the leases held. Throws the file system error. */
  heartbeat(): void {
    this.#leases.heartbeat();
  }

  /**
   * Stops the drains and releases the leases, so that another process may try. Undelivered records
   * stay on disk, and the next scan finds them.
   */
  async pause(): Promise<void> {
    this.#stopped = this.#awaitsServer = true;
    for (const drain of this.drains) drain.stop();
    await Promise.all([...this.#running]);
    this.#leases.release();
    this.#stopped = this.#isClosed;
  }

  /** Pauses permanently. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    this.#undrained.elsewhere = [];
    await this.pause();
  }

  /** Releases the leases synchronously, for exits without time to stop. */
  abandon(): void {
    this.#isClosed = this.#stopped = true;
    for (const { segment } of this.drains) segment.release();
    this.#leases.release();
  }

  /** Finds orphans without those that are being drained or have to wait for one that is. */
  async #scan(): Promise<Orphans> {
    const { directory, scanner } = this.#options;
    const { holdsOwn } = this.#leases;
    const found = await scanner.scan(directory, holdsOwn, this.#held).catch((error) => {
      if (hasCode(error, "ENOENT")) return { final: [], open: [], interrupted: [], names: 0 };
      throw error;
    });
    this.#names = found.names;
    this.#undrained.behind = [];
    const { writers } = this.#open;
    if (writers.size === 0 && !this.#chains.isHolding) return found;
    const { clock } = this.#options.runtime;
    const isBehind = this.#open.order();
    const isNew = ({ stem }: ListedSegment): boolean => !this.#open.has(stem);
    const [newFinal] = await partitionInSlices(found.final, isNew, clock);
    const [newOpen] = await partitionInSlices(found.open, isNew, clock);
    const [behind, final] = await partitionInSlices(newFinal, isBehind, clock);
    const [behindOpen, open] = await partitionInSlices(newOpen, isBehind, clock);
    this.#undrained.behind = [...behind, ...behindOpen];
    return {
      ...found,
      final,
      open,
      interrupted: found.interrupted.filter(({ token, stems }) =>
        !writers.has(token) && !stems.some(({ stem }) => this.#chains.isHeld(stem))
      ),
    };
  }

  /** Segments that are sent but for ends that wait for starts in other ones. */
  get #held(): ReadonlySet<string> {
    return new Set([...this.#chains.held, ...this.#open.held]);
  }

  #releaseIfIdle(): void {
    if (this.drains.length > 0 || this.isDraining) return;
    if (!this.#leases.any) this.#leases.acquireAbandoned();
    this.#leases.release();
  }

  async #drainFinal(segments: readonly ListedSegment[]): Promise<void> {
    const { runtime, directory, onProgress, onComplete, onChange } = this.#options;
    this.#waiting = segments;
    const writers = new Set<string>();
    await visitInSlices(segments, ({ writer }) => void writers.add(writer), runtime.clock);
    const records = await estimateRecords(runtime, segments);
    const start = { directory, segments: segments.length, processes: writers.size, records };
    const progress = new RecoveryProgress(runtime.clock, start, onProgress);
    let left: readonly ListedSegment[] = [];
    const held: Promise<boolean>[] = [];
    try {
      while (this.#waiting.length > 0) {
        const next = this.#waiting.slice(0, MAX_CHAIN);
        const rest = await this.#chains.run(next, progress);
        if (rest?.held) held.push(rest.held);
        left = left.concat(rest?.unreadable ?? this.#waiting);
        this.#waiting = rest === null ? [] : [...rest.next, ...this.#waiting.slice(next.length)];
      }
    } finally {
      left = left.concat(this.#waiting);
      this.#waiting = [];
    }
    if (left.length > 0) this.#undrained.blocked = left;
    const over = (isComplete: boolean): void => {
      if (isComplete) onComplete(start, progress.sent);
      this.#releaseIfIdle();
      onChange();
    };
    if (held.length === 0) return over(left.length === 0);
    onChange();
    this.#run(
      Promise.all(held).then((ends) => over(left.length === 0 && ends.every((end) => end))),
    );
  }

  async #drainOpen(segment: ListedSegment): Promise<void> {
    const end = await this.#open.run(segment, this.#leases.guardOf([segment]));
    if (end === null) return;
    if (end === "lost") this.#leases.forgetLost();
    this.#releaseIfIdle();
    this.#options.onChange();
  }

  #run(work: Promise<void>): void {
    const running: Promise<void> = work
      .catch((error) => this.#options.drain.onTrouble("recovery", error))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }
}
