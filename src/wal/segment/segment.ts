/**
 * A segment as the sender sees it, whether it is a file of this process, a file that another
 * process left, or a piece of memory.
 *
 * @module
 */

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
  /** What the server said, at most 2,000 characters. */
  readonly message?: string;
  /** How often it was sent in a request of its own, where it failed more than once. */
  readonly attempts?: number;
}

/** A stretch of the log that is to be set aside: one line, its newline left out. */
export interface DeadLetter extends DeadLetterReason {
  /** Byte offset of the line in its segment. */
  readonly offset: number;
  /** Bytes of the line. */
  readonly length: number;
  /** The line itself where it is at hand; a stretch too long for memory is copied from the file. */
  readonly line?: Uint8Array<ArrayBuffer>;
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
  /** Byte offset up to which records may be read now. */
  end(): number;
  /** Whether `end()` is final. */
  isSealed(): boolean;
  /** Reads up to `into.length` bytes at `offset`. */
  read(offset: number, into: Uint8Array): Promise<number>;
  /**
   * Asked before anything is sent. Looks at the disk only when this process has shown no life for so
   * long that another sender could have taken the segment over.
   *
   * @throws {WeaveWalError} `ERR_CLAIM_LOST` when one has.
   */
  assertHeld(): void;
  /** Offsets of lines past the checkpoint that were set aside before; they must not be sent. */
  readonly setAside: ReadonlySet<number>;
  /**
   * Moves the checkpoint: everything before `offset` is delivered or set aside.
   *
   * The checkpoint on disk may follow a little later.
   *
   * @throws {WeaveWalError} `ERR_CLAIM_LOST` when another sender has taken the segment over.
   */
  acknowledge(offset: number): void;
  /** Sets lines aside, forced to stable storage before it resolves. */
  setAsideLines(letters: readonly DeadLetter[]): Promise<void>;
  /** The segment is drained to its end and sealed: takes it away. Called once. */
  complete(): void;
  /** The sender stops draining it before its end. */
  release(): void;
  /** Whether nothing of it is left, whoever drained it. */
  isGone(): boolean;
}
