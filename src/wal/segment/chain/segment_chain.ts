/**
 * Many segments of dead processes, drained as one. They are read in sequence and share requests,
 * and each keeps its own checkpoint.
 *
 * Offsets in a chain count the bytes of all its segments in order, each followed by a newline, so
 * that a last line without one does not run into the next segment. Empty lines are ignored.
 *
 * @module
 */

import type { Runtime, Timer } from "../../../runtime/runtime.ts";
import { Slices } from "../../../runtime/event_loop.ts";
import { lacksResources } from "../../../errors.ts";
import type { OpenCallsKeepers } from "../../open_calls/open_calls_keeper.ts";
import type { ListedSegment } from "../../orphans/directory_listing.ts";
import { ChainLink } from "./chain_link.ts";
import { ChainRemoval } from "./chain_removal.ts";
import { CheckpointPace } from "../checkpoint.ts";
import { type LineRange, type LineSet, SettledLines } from "../delivered_lines.ts";
import type { CountBudget, SizedCount } from "../pending_count.ts";
import type { DeadLetter, Segment, SegmentGuard } from "../segment.ts";
import { mayReorder, parseStem } from "../segment_name.ts";

/** Options for {@linkcode SegmentChain.open}. */
export interface SegmentChainOptions {
  readonly runtime: Runtime;
  /** Base URL of the server; dead letters name it where the segment's name does not. */
  readonly server?: string;
  /** Checks that this process may still drain the segments. */
  readonly guard: SegmentGuard;
  /** Preserve open calls when segments are removed. */
  readonly openCalls?: OpenCallsKeepers;
  /** Resolves with whether the log continues in a segment after these. */
  readonly continues?: () => Promise<boolean>;
  /** Reports a disk error that the chain tolerates. */
  readonly onError: (what: string, error: unknown) => void;
}

/** Final segments, drained as one. */
export class SegmentChain implements Segment {
  readonly name = "orphans";
  readonly checkpoint = 0;
  readonly live = false;
  readonly mayReorder: boolean;
  readonly settledLines: LineSet;
  readonly #options: SegmentChainOptions;
  readonly #links: readonly ChainLink[];
  /** Segments that could not be opened. */
  readonly #unopened: readonly ListedSegment[];
  /** Index of the first segment that is not completely delivered. */
  #head = 0;
  /** Index of the segment read last: most reads are of it or the next one. */
  #reading = 0;
  #acknowledged = 0;
  readonly #pace: CheckpointPace;
  #timer: Timer | null = null;
  readonly #removal: ChainRemoval;

  private constructor(
    options: SegmentChainOptions,
    links: readonly ChainLink[],
    unopened: readonly ListedSegment[],
    settledLines: LineSet,
  ) {
    this.#options = options;
    this.#pace = new CheckpointPace(options.runtime.clock);
    this.#removal = new ChainRemoval(options);
    this.#links = links;
    this.mayReorder = links.some(({ stem }) => mayReorder(stem));
    this.#unopened = unopened;
    this.settledLines = settledLines;
  }

  /**
   * Opens the segments in this order, without those that no longer exist. A segment that cannot be
   * read is skipped, so that it does not hold the others up.
   *
   * @throws The file system error if the system lacks resources, since later segments must not
   * overtake those that can be read soon.
   */
  static async open(
    options: SegmentChainOptions,
    segments: readonly ListedSegment[],
  ): Promise<SegmentChain> {
    const { runtime, server, onError } = options;
    const slices = new Slices(runtime.clock);
    const links: ChainLink[] = [];
    const unopened: ListedSegment[] = [];
    const settled: LineRange[] = [];
    for (const segment of segments) {
      if (slices.isOver) await slices.next();
      try {
        const link = ChainLink.open(runtime, segment, links.at(-1)?.end ?? 0, server);
        if (link === null) continue;
        for (const range of await link.settled()) settled.push(range);
        links.push(link);
      } catch (error) {
        if (lacksResources(error)) throw error;
        unopened.push(segment);
        onError("recovery", error); // The next scan retries.
      }
    }
    const settledLines = new SettledLines([], settled);
    return new SegmentChain(options, links, unopened, settledLines);
  }

  /**
   * Segments that were skipped because they could not be opened or completely read; they stay on
   * disk.
   */
  get unreadable(): ListedSegment[] {
    const passed = this.#links.slice(0, this.#head).filter((link) => link.unreadable !== null);
    return [...this.#unopened, ...passed.map((link) => link.listed)];
  }

  /** Number of segments in the chain. */
  get count(): number {
    return this.#links.length;
  }

  /** The segments that are not completely delivered, with their current sidecars. */
  get remaining(): ListedSegment[] {
    return this.#links.slice(this.#head).map((link) => link.listed);
  }

  /** Returns the end of the segment at `offset`: segments are dropped one at a time. */
  partEnd(offset: number): number {
    return this.#links.find(({ end }) => end > offset)?.end ?? this.end();
  }

  get begun(): number {
    const stem = this.#links[Math.min(this.#head, this.#links.length - 1)]?.stem ?? "";
    return Number(parseStem(stem)?.time ?? 0) / 1e6;
  }

  end(): number {
    return this.#links.at(-1)?.end ?? 0;
  }

  isSealed(): boolean {
    return true;
  }

  async continues(): Promise<boolean> {
    return this.mayReorder && await this.#options.continues?.() === true;
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const link = this.#linkAt(offset + done);
      if (link === undefined) break;
      const known = link.unreadable;
      done += await link.read(offset + done, into.subarray(done));
      if (link.unreadable !== known) this.#options.onError("read", link.unreadable);
    }
    return done;
  }

  async countFrom(offset: number, budget: CountBudget): Promise<SizedCount> {
    const slices = new Slices(this.#options.runtime.clock);
    let records = 0, bytes = 0;
    let isEstimate = false;
    for (const link of this.#links.slice(this.#head)) {
      if (link.end <= offset) continue;
      if (slices.isOver) await slices.next();
      const count = await link.countFrom(offset, budget);
      records += count.records;
      bytes += count.bytes;
      isEstimate ||= count.isEstimate;
    }
    return { records, bytes, isEstimate };
  }

  assertHeld(): void {
    this.#options.guard.ensureHeld();
  }

  acknowledge(offset: number): void {
    this.#acknowledged = offset;
    for (; this.#links[this.#head]?.end <= offset; this.#head++) {
      this.#done(this.#links[this.#head]);
    }
    const { wait } = this.#pace;
    if (wait <= 0) this.#checkpoint();
    else this.#timer ??= this.#options.runtime.clock.after(wait, () => this.#checkpointLater());
    this.#removal.throwFailure();
  }

  async deadLetterLines(deadLetters: readonly DeadLetter[]): Promise<void> {
    const { guard } = this.#options;
    guard.assertHeld();
    const byLink = new Map<ChainLink, DeadLetter[]>();
    for (const deadLetter of deadLetters) {
      const link = this.#linkAt(deadLetter.offset)!;
      byLink.set(link, [...byLink.get(link) ?? [], deadLetter]);
    }
    for (const [link, own] of byLink) await link.deadLetter(own);
    guard.assertHeld();
  }

  complete(): void {
    this.acknowledge(this.end());
    this.#timer?.cancel();
  }

  release(delivered: readonly LineRange[] = []): void {
    this.#timer?.cancel();
    this.#timer = null;
    try {
      this.#checkpoint();
      if (delivered.length > 0) this.#keepDelivered(delivered);
    } catch {
      // The lease is lost, or the disk failed: delivered records are sent again.
    }
    for (const link of this.#links) link.close();
  }

  isGone(): boolean {
    return true;
  }

  /**
   * Resolves when the files of all delivered segments are removed.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST`; the file system error if a file could not be removed.
   */
  async settled(): Promise<void> {
    await this.#removal.settled();
  }

  #linkAt(offset: number): ChainLink | undefined {
    const links = this.#links;
    if (offset < links[this.#reading]?.base) this.#reading = 0;
    while (this.#reading < links.length && links[this.#reading].end <= offset) this.#reading++;
    const found = links[this.#reading];
    if (found === undefined) this.#reading = 0;
    return found;
  }

  #keepDelivered(delivered: readonly LineRange[]): void {
    this.#options.guard.assertHeld();
    for (const link of this.#links.slice(this.#head)) {
      const { base, readEnd } = link;
      const own = delivered.filter(({ from, to }) => from < readEnd && to > base)
        .map(({ from, to }) => ({ from: Math.max(from, base), to: Math.min(to, readEnd) }));
      if (own.length > 0) link.keepDelivered(own);
    }
  }

  #done(link: ChainLink): void {
    link.close();
    if (link.unreadable !== null) return this.#checkpointUnreadable(link);
    this.#removal.add(link);
  }

  /** Moves the checkpoint past delivered lines, so that they are not sent again. */
  #checkpointUnreadable(link: ChainLink): void {
    this.#options.guard.assertHeld();
    try {
      link.checkpoint(link.end);
    } catch (error) {
      this.#options.onError("checkpoint", error);
    }
  }

  #checkpointLater(): void {
    this.#timer = null;
    try {
      this.#checkpoint();
    } catch {
      // The next acknowledgement gets the same error and can report it.
    }
  }

  /** Only the partly delivered segment needs a checkpoint; those before it are removed. */
  #checkpoint(): void {
    const link = this.#links[this.#head];
    if (link === undefined || this.#acknowledged <= link.base) return;
    this.#pace.keep(() => {
      this.#options.guard.assertHeld();
      link.checkpoint(this.#acknowledged);
    });
  }
}
