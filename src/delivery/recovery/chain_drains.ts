/**
 * Drains of chains: segments of dead processes that are drained as one.
 * @module
 */

import { hasCode } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { OpenCallsKeepers } from "../../wal/open_calls/open_calls_keeper.ts";
import type { ListedSegment } from "../../wal/orphans/directory_listing.ts";
import type { RecoveryLeases } from "../../wal/leases/recovery_leases.ts";
import { SegmentChain } from "../../wal/segment/chain/segment_chain.ts";
import { Drain, type DrainEnd } from "../drain/drain.ts";
import type { DrainOptions } from "../drain/drain_options.ts";
import { HeldDrains } from "../drain/held_drains.ts";
import type { RecoveryProgress } from "./recovery_progress.ts";

/** Options for {@linkcode ChainDrains}. */
export interface ChainDrainsOptions {
  readonly runtime: Runtime;
  /** Base URL of the server that this sender sends to. */
  readonly server: string;
  readonly drain: DrainOptions;
  readonly leases: RecoveryLeases;
  /** Store the state of open calls when segments are removed. */
  readonly openCalls: OpenCallsKeepers;
  /** Resolves with whether the log continues in a segment after these. */
  readonly continues: (stems: readonly string[]) => Promise<boolean>;
  /** Returns whether a segment may have ends of calls that started in other logs. */
  readonly sharesCalls: (segment: ListedSegment) => boolean;
  /** Whether no chain may be drained any more. */
  readonly isStopped: () => boolean;
}

/** Segments left after a chain. */
export interface ChainRest {
  /** Segments that come next, if one was dropped. */
  readonly next: readonly ListedSegment[];
  /** Segments that cannot be read now. */
  readonly unreadable: readonly ListedSegment[];
  /**
   * Present if the chain holds ends whose starts are in other logs. Resolves when its drain has
   * ended: whether the chain is drained completely.
   */
  readonly held?: Promise<boolean>;
}

/** Drains chains, one after the other; chains that hold ends do not delay the next one. */
export class ChainDrains {
  readonly #options: ChainDrainsOptions;
  #current: Drain | null = null;
  readonly #held = new HeldDrains();
  readonly #heldStems = new Set<string>();

  constructor(options: ChainDrainsOptions) {
    this.#options = options;
  }

  /** Drain of the current chain; `null` between two chains. */
  get current(): Drain | null {
    return this.#current;
  }

  /** Drains in progress, oldest first. */
  get all(): readonly Drain[] {
    return [...this.#held.all, ...(this.#current ? [this.#current] : [])];
  }

  /** Whether a chain holds ends. */
  get isHolding(): boolean {
    return this.#heldStems.size > 0;
  }

  /** Stems of segments in chains that hold ends. */
  get held(): ReadonlySet<string> {
    return this.#heldStems;
  }

  /** Returns whether a segment is in a chain that holds ends. */
  isHeld(stem: string): boolean {
    return this.#heldStems.has(stem);
  }

  /**
   * Drains segments as one; resolves with `null` if the drain ended early.
   * @param progress Counts the records that are sent.
   */
  async run(
    segments: readonly ListedSegment[],
    progress: RecoveryProgress,
  ): Promise<ChainRest | null> {
    const { leases, drain: options, sharesCalls, isStopped } = this.#options;
    if (isStopped() || !segments.every((segment) => leases.covers(segment))) return null;
    const chain = await this.#open(segments);
    if (chain === null) return null;
    if (chain.count === 0) return isStopped() ? null : { next: [], unreadable: chain.unreadable };
    const drain = this.#current = new Drain(chain, {
      ...options,
      sharesCalls: segments.some(sharesCalls),
      onProgress: (delivered, deadLetters) => {
        progress.add(delivered + deadLetters.length);
        options.onProgress(delivered, deadLetters);
      },
    });
    if (isStopped()) drain.stop();
    let end: DrainEnd | "holding";
    try {
      end = await this.#held.run(drain);
      if (end !== "holding") return await this.#settled(chain, drain, end);
    } finally {
      this.#current = null;
    }
    for (const { stem } of segments) this.#heldStems.add(stem);
    const held = drain.run()
      .then(async (last) => (await this.#settled(chain, drain, last))?.next.length === 0)
      .finally(() => {
        for (const { stem } of segments) this.#heldStems.delete(stem);
      });
    return { next: [], unreadable: chain.unreadable, held };
  }

  /** Opens a chain; resolves with `null` if it must be tried again later. */
  async #open(segments: readonly ListedSegment[]): Promise<SegmentChain | null> {
    const { runtime, server, leases, openCalls, drain: { onTrouble } } = this.#options;
    const options = {
      runtime,
      server,
      guard: leases.guardOf(segments),
      openCalls,
      continues: () => this.#options.continues(segments.map(({ stem }) => stem)),
      onError: onTrouble,
    };
    try {
      return await SegmentChain.open(options, segments);
    } catch (error) {
      onTrouble("recovery", error);
      return null;
    }
  }

  async #settled(chain: SegmentChain, drain: Drain, end: DrainEnd): Promise<ChainRest | null> {
    const { leases, drain: { onTrouble }, isStopped } = this.#options;
    try {
      await chain.settled();
      if (end === "lost") leases.forgetLost();
    } catch (error) {
      if (hasCode(error, "ERR_LEASE_LOST")) leases.forgetLost();
      else onTrouble("recovery", error);
      return null;
    }
    if (end === "complete") return { next: [], unreadable: chain.unreadable };
    const wasDropped = end === "stopped" && drain.dropped && !isStopped();
    return wasDropped ? { next: chain.remaining, unreadable: chain.unreadable } : null;
  }
}
