/**
 * Failed syncs: after one, the unsynced records are written again, to a new segment.
 *
 * After a failed sync the kernel may mark pages as clean that never reached the disk, and a later
 * sync of the same file succeeds without them.
 *
 * @module
 */

import type { SegmentWriter } from "./segment_writer.ts";

/** Options for {@linkcode SyncFailures}. */
export interface SyncFailuresOptions {
  /** Copies the unsynced lines of a segment to a new one. Throws the file system error. */
  readonly rewrite: (segment: SegmentWriter) => void;
  /** The unsynced lines of a segment are in no other segment. */
  readonly onLost: (segment: SegmentWriter, error: unknown) => void;
  /** Reports every failure. */
  readonly onError: (error: unknown) => void;
}

/** Rewrites segments whose sync failed, and distrusts the disk after a second failure. */
export class SyncFailures {
  readonly #options: SyncFailuresOptions;
  /** Segments whose records are in a later segment too: that one's sync makes them safe. */
  readonly #rewritten = new WeakSet<SegmentWriter>();
  /** Failures since the last success. The second in a row says that a new file does not help. */
  #inARow = 0;
  /** Its error, for the next append: the current segment is not trusted with another record. */
  #error: unknown = null;

  /** Creates one that has seen no failure. */
  constructor(options: SyncFailuresOptions) {
    this.#options = options;
  }

  /** Throws, once, if the next record is not to be appended to the current segment. */
  check(): void {
    const error = this.#error;
    this.#error = null;
    if (error !== null) throw error;
  }

  /** Returns whether the records of `segment` are in a later one too. */
  isRewritten(segment: SegmentWriter): boolean {
    return this.#rewritten.has(segment);
  }

  /** A sync of `segment` failed. */
  failed(segment: SegmentWriter, error: unknown): void {
    this.#options.onError(error);
    if (this.#rewritten.has(segment)) return;
    if (++this.#inARow > 1) return this.#lost(segment, error);
    try {
      this.#options.rewrite(segment);
      this.#rewritten.add(segment);
    } catch (second) {
      this.#lost(segment, second);
    }
  }

  /** A sync succeeded. */
  succeeded(): void {
    this.#inARow = 0;
  }

  /** The next record begins a new segment, and so tries the disk again. */
  forget(): void {
    this.#error = null;
  }

  #lost(segment: SegmentWriter, error: unknown): void {
    this.#error = error;
    this.#options.onLost(segment, error);
  }
}
