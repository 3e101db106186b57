/**
 * Tracks the open calls of this process for its log.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import type { CopiedLines } from "../log/segment_writer.ts";
import type { Presence } from "../processes/presence.ts";
import {
  closingStem,
  formatStem,
  type SegmentPaths,
  segmentPaths,
} from "../segment/segment_name.ts";
import { ClosedCalls } from "./closed_calls.ts";
import { NOTHING_CARRIED, ONLY_SPANS } from "./open_calls_file.ts";
import { OpenCallsKeeper } from "./open_calls_keeper.ts";
import { SpanStarts } from "./span_starts.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Options for {@linkcode OwnOpenCalls}. */
export interface OwnOpenCallsOptions {
  readonly runtime: Runtime;
  readonly directory: string;
  /** The token of this process. */
  readonly writer: string;
  /** Shows other processes that this one is running. */
  readonly presence: Presence;
  /** Whether recovery closes calls. It always closes spans whose start is recorded. */
  readonly withCalls: boolean;
}

/** Lets other processes close the calls that this one leaves open, and detects when they did. */
export class OwnOpenCalls {
  /** Preserves open calls when this process removes a segment. */
  readonly keeper: OpenCallsKeeper;
  readonly #options: OwnOpenCallsOptions;
  readonly #closed: ClosedCalls;
  #lapses: number;
  #isLookDue = false;
  /** Whether `forget` was called since the current segment began. */
  #isForgotten = false;
  /** Whether span starts are recorded. */
  #withSpans = false;
  readonly #starts: SpanStarts;

  /** Reads and writes nothing before the first segment. */
  constructor(options: OwnOpenCallsOptions) {
    const { runtime, directory, writer, presence } = options;
    this.#options = options;
    this.keeper = new OpenCallsKeeper(runtime, directory, writer);
    this.#closed = new ClosedCalls(runtime.files, directory, writer);
    this.#starts = new SpanStarts(runtime.files);
    this.#lapses = presence.lapses;
  }

  /** Contents of the marker file for a new segment; `null` if nothing is to be closed. */
  get marker(): string | null {
    if (this.#options.withCalls) return NOTHING_CARRIED;
    return this.#withSpans ? ONLY_SPANS : null;
  }

  /**
   * Records the starts of spans, except those that another process has ended. Throws the file system
   * error.
   *
   * @param paths The files of the current segment.
   * @param lines The spans in their current state, as record lines.
   */
  noteStarts({ open, started }: SegmentPaths, lines: string): void {
    if (this.marker === null) {
      this.#withSpans = true;
      this.#options.runtime.files.createExclusive(open, ONLY_SPANS);
    }
    const [left, count] = this.withoutClosed(lines);
    if (count > 0) this.#starts.note(started, left);
  }

  /** The current segment is in place. Throws the host's error. */
  verified(): void {
    this.#starts.verified();
  }

  /** Closes the files of the current segment, which was retired. */
  left(): void {
    this.#starts.close();
  }

  /**
   * Notes that another process presumed this one dead. Throws the file system error.
   *
   * @param tail Lines written to the current segment since it was last seen in place.
   * @returns Starts of spans to be recorded again, as lines.
   */
  lost(tail: Uint8Array): string {
    this.#isLookDue = true;
    return this.#starts.takeUnseen(tail);
  }

  /**
   * Checks whether another process has closed calls of this one. Call it after a segment is created
   * and before it is written to; a process that presumes this one dead later fences that segment.
   * Throws the file system error; then nothing may be written.
   *
   * @param last Time of the previous segment, epoch ns; 0 if there was none.
   */
  begun(last: bigint): void {
    this.#isForgotten = false;
    if (this.#isClosing(last)) this.#isLookDue = true;
    this.look();
  }

  /**
   * Repeats the check of `begun` if another process may have presumed this one dead. Call it after
   * each write.
   *
   * @returns Whether new closed calls were found.
   */
  look(): boolean {
    const { lapses } = this.#options.presence;
    if (this.marker === null || (!this.#isLookDue && lapses === this.#lapses)) return false;
    this.keeper.reload();
    const found = this.#closed.look();
    this.#isLookDue = false;
    this.#lapses = lapses;
    return found;
  }

  /** Lets recovery close no call that has begun so far. Throws the file system error. */
  forget(): void {
    if (this.marker === null || this.#isForgotten) return;
    this.#isForgotten = true; // Tried once: this may be called for every record.
    this.keeper.forgetAll();
  }

  /** Whether another process has closed calls of this one. */
  get hasClosed(): boolean {
    return this.#closed.any;
  }

  /** Returns lines without those of closed calls, and their number. */
  withoutClosed(lines: string): [string, number] {
    const left = lines.split(/(?<=\n)/).filter((line) => !this.#closed.has(line));
    return [left.join(""), left.length];
  }

  /** Same as `withoutClosed`, for copied lines. */
  copyWithoutClosed(copied: CopiedLines): CopiedLines {
    if (!this.#closed.any) return copied;
    const [lines, records] = this.withoutClosed(decoder.decode(copied.lines));
    return { lines: encoder.encode(lines), records };
  }

  #isClosing(last: bigint): boolean {
    if (last === 0n || this.marker === null) return false;
    const { runtime: { files }, directory, writer } = this.#options;
    const { closing, data, closed } = segmentPaths(
      directory,
      closingStem(formatStem(last, writer)),
    );
    return [closing, data, closed].some((path) => files.exists(path));
  }
}
