/**
 * A segment as the sender sees it: a file of this process, an orphaned file, or memory.
 *
 * @module
 */

import type { LineRange, LineSet } from "./delivered_lines.ts";
import type { CountBudget, SizedCount } from "./pending_count.ts";

/** Why a record was not delivered. */
export interface DeadLetterReason {
  /**
   * `refused`: the server rejected it, or it failed every time it was sent while others were
   * accepted. `unsendable`: this package cannot build a request from it. `corrupt`, `torn`,
   * `oversize`: it cannot be read.
   */
  readonly reason: "refused" | "unsendable" | "corrupt" | "torn" | "oversize";
  /** HTTP status of the rejection. */
  readonly status?: number;
  /** The server's message, at most 2,000 characters. */
  readonly message?: string;
  /** Number of attempts in a request of its own, if it failed more than once. */
  readonly attempts?: number;
}

/** A line of the log to dead-letter, without its newline. */
export interface DeadLetter extends DeadLetterReason {
  /** Byte offset of the line in its segment. */
  readonly offset: number;
  /** Length of the line in bytes. */
  readonly length: number;
  /** The line itself, if it is in memory; a line too long for memory is copied from the file. */
  readonly line?: Uint8Array<ArrayBuffer>;
  /** Whether it is not known if the server has the start of this end, because a read failed. */
  readonly isUndecided?: boolean;
  /** Set for an end that waits for its start and stays in the segment. */
  readonly isHeld?: boolean;
}

/** Checks that this process may still drain a segment. */
export interface SegmentGuard {
  /**
   * Throws if another process has taken the segment over.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST`.
   */
  assertHeld(): void;
  /**
   * Same as `assertHeld`, but reads the disk only if another process may have presumed this one
   * dead.
   */
  ensureHeld(): void;
}

/** A part of a stream of records, drained from its checkpoint to its end. */
export interface Segment {
  /** Its name in messages: the stem, or `memory`. */
  readonly name: string;
  /** Time at which the segment was created, epoch ms. */
  readonly begun: number;
  /** Byte offset to continue from. */
  readonly checkpoint: number;
  /**
   * Whether records arrive while it is drained. The sender lingers for full batches of such a
   * segment.
   */
  readonly live: boolean;
  /** Whether the end of a call may be in it before its start. */
  readonly mayReorder?: boolean;
  /**
   * Resolves with whether the log continues in a later segment, which may contain starts that are
   * missing here. Rejects with the file system error.
   */
  continues?(): Promise<boolean>;
  /** Records in all, where that is known without reading them. */
  readonly records?: number | undefined;
  /**
   * Counts the records from `offset` on that are not in `settledLines`, if they are not one
   * contiguous range that `read` can read.
   */
  countFrom?(offset: number, budget: CountBudget): Promise<SizedCount>;
  /** Returns the byte offset up to which records may be read now. */
  end(): number;
  /** Returns whether `end()` is final. */
  isSealed(): boolean;
  /** Reads up to `into.length` bytes at `offset`. */
  read(offset: number, into: Uint8Array): Promise<number>;
  /**
   * Called before each request. Reads the disk only if the last heartbeat is so old that another
   * process may have presumed this one dead.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST` if one has.
   */
  assertHeld(): void;
  /**
   * Lines after the checkpoint that an earlier sender dead-lettered or delivered; they must not be
   * sent.
   */
  readonly settledLines: LineSet;
  /**
   * Moves the checkpoint: everything before `offset` is delivered or dead-lettered.
   *
   * The checkpoint on disk may be written slightly later.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST` if another sender has taken the segment over.
   */
  acknowledge(offset: number): void;
  /** Dead-letters lines, and syncs them before it resolves. */
  deadLetterLines(deadLetters: readonly DeadLetter[]): Promise<void>;
  /**
   * Called before `complete`. Preserves the calls that are open after the segment, delivered or
   * dropped: calls that ended in it must not be ended again.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST`.
   */
  beforeComplete?(): Promise<void>;
  /** Removes the segment, which is final and drained to its end. Called again if it throws. */
  complete(): void;
  /** Resolves when everything that was delivered is removed, if removal runs in the background. */
  settled?(): Promise<void>;
  /**
   * Returns the end of the part at `offset` that can be dropped separately. If absent, all is
   * dropped.
   */
  partEnd?(offset: number): number;
  /** Releases open files while the segment waits for earlier ones. */
  park?(): void;
  /**
   * Stops draining before the end.
   *
   * @param delivered Lines after the checkpoint that are delivered, while a line before them is not.
   */
  release(delivered?: readonly LineRange[]): void;
  /** Returns whether nothing is left of the segment, no matter which process drained it. */
  isGone(): boolean;
}
