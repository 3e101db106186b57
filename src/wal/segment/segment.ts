/**
 * A segment as the sender sees it, whether it is a file of this process, a file that another
 * process left, or a piece of memory.
 *
 * @module
 */

import type { CountBudget, RecordCount } from "./pending_count.ts";

/** Why a record did not go to the server. */
export interface DeadLetterReason {
  /**
   * `refused`: the server rejected it, or failed each time it was sent, and took others meanwhile.
   * `unsendable`: this package cannot make a request of it. `corrupt`, `torn`, `oversize`: it cannot
   * be read.
   */
  readonly reason: "refused" | "unsendable" | "corrupt" | "torn" | "oversize";
  /** HTTP status of the refusal. */
  readonly status?: number;
  /** The message of the server, at most 2,000 characters. */
  readonly message?: string;
  /** Attempts in a request of its own, if it failed more than once. */
  readonly attempts?: number;
}

/** A stretch of the log to be dead-lettered: one line, its newline left out. */
export interface DeadLetter extends DeadLetterReason {
  /** Byte offset of the line in its segment. */
  readonly offset: number;
  /** Bytes of the line. */
  readonly length: number;
  /** The line itself where it is at hand; a stretch too long for memory is copied from the file. */
  readonly line?: Uint8Array<ArrayBuffer>;
}

/** Says whether this process may still drain a segment. */
export interface SegmentGuard {
  /**
   * Throws if another process has taken the segment over.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST`.
   */
  assertHeld(): void;
  /** The same, but reads the disk only if another process may have presumed this one dead. */
  ensureHeld(): void;
}

/** One part of a stream of records, drained from its checkpoint to its end. */
export interface Segment {
  /** Its name in messages: the stem, or `memory`. */
  readonly name: string;
  /** When its first record was written, epoch ms. */
  readonly begun: number;
  /** Byte offset to go on from. */
  readonly checkpoint: number;
  /** Whether records arrive while it is drained: such a segment lingers for full batches. */
  readonly live: boolean;
  /** Records in all, where that is known without reading them. */
  readonly records?: number | undefined;
  /** Bytes from `offset` to the end, if that is not the difference of the two. */
  bytesFrom?(offset: number): number;
  /** Counts the records from `offset` on, if that is not one stretch of bytes that `read` reads. */
  countFrom?(offset: number, budget: CountBudget): Promise<RecordCount>;
  /** Byte offset up to which records may be read now. */
  end(): number;
  /** Whether `end()` is final. */
  isSealed(): boolean;
  /** Reads up to `into.length` bytes at `offset`. */
  read(offset: number, into: Uint8Array): Promise<number>;
  /**
   * Asked before anything is sent. Looks at the disk only when this process has sent no heartbeat for
   * so long that another one may have presumed it dead.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST` when one has.
   */
  assertHeld(): void;
  /** Offsets of lines past the checkpoint that were dead-lettered before; they must not be sent. */
  readonly deadLettered: ReadonlySet<number>;
  /**
   * Moves the checkpoint: everything before `offset` is delivered or dead-lettered.
   *
   * The checkpoint on disk may follow a little later.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST` when another sender has taken the segment over.
   */
  acknowledge(offset: number): void;
  /** Dead-letters lines, forced to stable storage before it resolves. */
  deadLetterLines(deadLetters: readonly DeadLetter[]): Promise<void>;
  /**
   * Called before `complete`, unless records are given up: keeps what is known about calls that are
   * still open.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST`.
   */
  beforeComplete?(): Promise<void>;
  /** The segment is drained to its end and final: removes it. Called once. */
  complete(): void;
  /** Resolves when all that was delivered is removed, where that happens in the background. */
  settled?(): Promise<void>;
  /** The end of the part with `offset` that can be dropped by itself; without it, all is dropped. */
  partEnd?(offset: number): number;
  /** Frees what the segment holds open while it waits for those before it. */
  park?(): void;
  /** The sender stops draining it before its end. */
  release(): void;
  /** Whether nothing of it is left, no matter which process drained it. */
  isGone(): boolean;
}
