/**
 * The open calls of this process, as its log handles them.
 *
 * @module
 */

import type { AppendFile, Runtime } from "../../runtime/runtime.ts";
import { writeAll } from "../dead_letters/dead_letter_file.ts";
import type { CopiedLines } from "../log/segment_writer.ts";
import type { Presence } from "../ownership/presence.ts";
import {
  closingStem,
  formatStem,
  type SegmentPaths,
  segmentPaths,
} from "../segment/segment_name.ts";
import { ClosedCalls } from "./closed_calls.ts";
import { NOTHING_CARRIED, ONLY_SPANS } from "./open_calls_file.ts";
import { OpenCallsKeeper } from "./open_calls_keeper.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Options for {@linkcode OwnOpenCalls}. */
export interface OwnOpenCallsOptions {
  readonly runtime: Runtime;
  readonly directory: string;
  /** The token of this process. */
  readonly writer: string;
  /** Shows other processes that this one runs. */
  readonly presence: Presence;
  /** Whether calls are to be closed; spans are, whose starts are noted. */
  readonly withCalls: boolean;
}

/** Lets others close the calls that the end of this process cuts off, and learns if they did. */
export class OwnOpenCalls {
  /** Keeps what is known when this process removes a segment. */
  readonly keeper: OpenCallsKeeper;
  readonly #options: OwnOpenCallsOptions;
  readonly #closed: ClosedCalls;
  #lapses: number;
  #isLookDue = false;
  /** Whether starts of spans are noted. */
  #withSpans = false;
  /** The file with starts of spans beside the current segment. */
  #started: { readonly path: string; readonly file: AppendFile } | null = null;

  /** Makes one; nothing is read or written before the first segment. */
  constructor(options: OwnOpenCallsOptions) {
    const { runtime, directory, writer, presence } = options;
    this.#options = options;
    this.keeper = new OpenCallsKeeper(runtime, directory, writer);
    this.#closed = new ClosedCalls(runtime.files, directory, writer);
    this.#lapses = presence.lapses;
  }

  /** Contents of the file that says so beside a new segment; `null` if nothing is to be closed. */
  get marker(): string | null {
    if (this.#options.withCalls) return NOTHING_CARRIED;
    return this.#withSpans ? ONLY_SPANS : null;
  }

  /**
   * Notes that a span has begun. Throws the host's error.
   *
   * @param paths The files of the current segment.
   * @param line The span as it is now, as the line of a record.
   */
  noteStart({ open, started }: SegmentPaths, line: string): void {
    const { files } = this.#options.runtime;
    if (this.marker === null) {
      this.#withSpans = true;
      files.createExclusive(open, ONLY_SPANS);
    }
    try {
      if (this.#started?.path !== started) {
        this.left();
        this.#started = { path: started, file: files.openAppend(started) };
      }
      writeAll(this.#started!.file, encoder.encode(line));
    } catch (error) {
      this.left();
      throw error;
    }
  }

  /** The current segment was left. */
  left(): void {
    this.#started?.file.close();
    this.#started = null;
  }

  /** Another process presumed this one dead. */
  lost(): void {
    this.#isLookDue = true;
  }

  /**
   * To be called when a segment was begun, before anything is written to it: looks whether another
   * process has closed calls of this one. A process that presumes this one dead from now on fences
   * that segment. Throws the host's error; then nothing may be written.
   *
   * @param last Time of the segment before it, epoch ns; 0 if there was none.
   */
  begun(last: bigint): void {
    if (this.#isClosing(last)) this.#isLookDue = true;
    this.look();
  }

  /**
   * To be called when something was written: looks as `begun` does if another process may have
   * presumed this one dead meanwhile.
   *
   * @returns Whether calls were closed that were not known to be.
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

  /** Whether another process has closed calls of this one. */
  get hasClosed(): boolean {
    return this.#closed.any;
  }

  /** Lines of records without those of calls that another process has closed, and their number. */
  withoutClosed(lines: string): [string, number] {
    const left = lines.split(/(?<=\n)/).filter((line) => !this.#closed.has(line));
    return [left.join(""), left.length];
  }

  /** The same for lines that are copied. */
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
