/**
 * One partition of the stream, presented to the sender as a segment: the concatenated lines of its
 * messages.
 * Offsets count from the position at which this process began to read. Acknowledged messages are
 * removed from the stream. The removal is the checkpoint: the next process to drain the partition
 * begins with the remaining messages.
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { type LineSet, NO_LINES } from "../../wal/segment/delivered_lines.ts";
import type { DeadLetter, Segment } from "../../wal/segment/segment.ts";
import { EngineError, type EngineMessage } from "../engine.ts";

/** Ms between attempts to move the checkpoint while the engine does not respond. */
const RETRY_MS = 500;

/** Line of a dead letter, and the message that contains it. */
export interface DeadLetterLine {
  readonly deadLetter: DeadLetter;
  /** Line without its newline. */
  readonly line: Uint8Array;
  readonly message: EngineMessage;
  /** Byte offset of the line in the message. */
  readonly offset: number;
}

/** Options for {@linkcode PartitionSegment}. */
export interface PartitionSegmentOptions {
  /** Name of the partition in messages. */
  readonly name: string;
  readonly clock: Clock;
  /**
   * Checks that this process may still drain the partition. @throws {WeaveWalError}
   * `ERR_LEASE_LOST`.
   */
  readonly assertHeld: () => void;
  /** Removes the message at a position; no effect if it does not exist. */
  readonly remove: (position: number) => Promise<void>;
  /** Stores dead letters; resolves when a quorum has them. */
  readonly keep: (lines: readonly DeadLetterLine[]) => Promise<void>;
  /** Called when messages were acknowledged and their memory is free. */
  readonly onRoom: () => void;
}

interface Held {
  readonly message: EngineMessage;
  /** Byte offset of the message in the segment. */
  readonly base: number;
}

/** Messages in memory, from the first unacknowledged one to the last one read. */
export class PartitionSegment implements Segment {
  readonly name: string;
  readonly begun: number;
  readonly checkpoint = 0;
  readonly live = true;
  readonly settledLines: LineSet = NO_LINES;
  readonly #options: PartitionSegmentOptions;
  /** Oldest first. */
  #held: Held[] = [];
  #end = 0;
  /** Positions of acknowledged messages that are not removed yet, oldest first. */
  readonly #acknowledged: number[] = [];
  #removing: Promise<void> | null = null;
  #lastPosition = 0;
  #released = false;

  constructor(options: PartitionSegmentOptions) {
    this.#options = options;
    this.name = options.name;
    this.begun = options.clock.now();
  }

  /** Adds messages, in order. */
  push(messages: readonly EngineMessage[]): void {
    for (const message of messages) {
      this.#held.push({ message, base: this.#end });
      this.#end += message.payload.length;
      this.#lastPosition = message.seq;
    }
  }

  /** Position of the last message; 0 if there was none. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  /** Whether all messages are acknowledged and removed. */
  get isEmpty(): boolean {
    return this.#held.length === 0 && this.#acknowledged.length === 0;
  }

  /** Bytes in memory. */
  get heldBytes(): number {
    return this.#end - (this.#held[0]?.base ?? this.#end);
  }

  end(): number {
    return this.#end;
  }

  /** A stream has no end. */
  isSealed(): boolean {
    return false;
  }

  read(offset: number, into: Uint8Array): Promise<number> {
    let count = 0;
    for (let index = this.#indexAt(offset); index < this.#held.length; index++) {
      const { message: { payload }, base } = this.#held[index];
      const from = offset + count - base;
      const part = payload.subarray(from, from + into.length - count);
      into.set(part, count);
      count += part.length;
      if (count === into.length) break;
    }
    return Promise.resolve(count);
  }

  assertHeld(): void {
    this.#options.assertHeld();
  }

  acknowledge(offset: number): void {
    let done = 0;
    while (done < this.#held.length && endOf(this.#held[done]) <= offset) done++;
    if (done === 0) return;
    for (const { message } of this.#held.splice(0, done)) this.#acknowledged.push(message.seq);
    this.#options.onRoom();
    this.#removing ??= this.#remove().finally(() => this.#removing = null);
  }

  async deadLetterLines(deadLetters: readonly DeadLetter[]): Promise<void> {
    const lines = deadLetters.map((deadLetter): DeadLetterLine => {
      const { offset, length } = deadLetter;
      const { message, base } = this.#held[this.#indexAt(offset)] ?? missing(this.name);
      const from = offset - base;
      const line = deadLetter.line ?? message.payload.subarray(from, from + length);
      return { deadLetter, line, message, offset: from };
    });
    this.#options.assertHeld();
    await this.#options.keep(lines);
    this.#options.assertHeld();
  }

  complete(): void {}

  release(): void {
    this.#released = true;
    this.#held = [];
  }

  /** Resolves when acknowledged messages are removed, or the engine does not respond. */
  async settled(): Promise<void> {
    await this.#removing;
  }

  isGone(): boolean {
    return false;
  }

  /**
   * Removes one message after the other, oldest first: the process that drains the partition next
   * must not find a message without those after it.
   */
  async #remove(): Promise<void> {
    const { clock, remove } = this.#options;
    while (this.#acknowledged.length > 0) {
      try {
        this.#options.assertHeld();
        await remove(this.#acknowledged[0]);
        this.#acknowledged.shift();
      } catch (error) {
        // Without its lease, or after the end, the next sender sends the remaining messages again.
        if (this.#released || !(error instanceof EngineError)) return;
        await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
      }
    }
  }

  /** Returns the index of the message that contains the byte at `offset`. */
  #indexAt(offset: number): number {
    let low = 0;
    let high = this.#held.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (endOf(this.#held[middle]) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function endOf({ base, message }: Held): number {
  return base + message.payload.length;
}

function missing(name: string): never {
  throw new WeaveWalError("ERR_LEASE_LOST", `Messages of ${name} are not held any more`);
}
