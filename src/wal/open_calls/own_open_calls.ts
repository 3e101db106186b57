/**
 * The open calls of this process, as its log handles them.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import type { CopiedLines } from "../log/segment_writer.ts";
import type { Presence } from "../ownership/presence.ts";
import { closingStem, formatStem, segmentPaths } from "../segment/segment_name.ts";
import { ClosedCalls } from "./closed_calls.ts";
import { OpenCallsKeeper } from "./open_calls_keeper.ts";

const decoder = new TextDecoder();

/** Options for {@linkcode OwnOpenCalls}. */
export interface OwnOpenCallsOptions {
  readonly runtime: Runtime;
  readonly directory: string;
  /** The token of this process. */
  readonly writer: string;
  /** Shows other processes that this one runs. */
  readonly presence: Presence;
}

/** Lets others close the calls that the end of this process cuts off, and learns if they did. */
export class OwnOpenCalls {
  /** Keeps what is known when this process removes a segment. */
  readonly keeper: OpenCallsKeeper;
  readonly #options: OwnOpenCallsOptions;
  readonly #closed: ClosedCalls;
  #lapses: number;
  #isLookDue = false;

  /** Makes one; nothing is read or written before the first segment. */
  constructor(options: OwnOpenCallsOptions) {
    const { runtime, directory, writer, presence } = options;
    this.#options = options;
    this.keeper = new OpenCallsKeeper(runtime, directory, writer);
    this.#closed = new ClosedCalls(runtime.files, directory, writer);
    this.#lapses = presence.lapses;
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
    if (!this.#isLookDue && lapses === this.#lapses) return false;
    this.keeper.reload();
    const found = this.#closed.look();
    this.#isLookDue = false;
    this.#lapses = lapses;
    return found;
  }

  /** Lines of records without those of calls that another process has closed, and their number. */
  withoutClosed(lines: string, records: number): [string, number] {
    if (!this.#closed.any) return [lines, records];
    const left = lines.split(/(?<=\n)/).filter((line) => !this.#closed.has(line));
    return [left.join(""), left.length];
  }

  /** The same for lines that are copied. */
  copyWithoutClosed(copied: CopiedLines): CopiedLines {
    if (!this.#closed.any) return copied;
    const [lines, records] = this.withoutClosed(decoder.decode(copied.lines), copied.records);
    return { lines: new TextEncoder().encode(lines), records };
  }

  #isClosing(last: bigint): boolean {
    if (last === 0n) return false;
    const { runtime: { files }, directory, writer } = this.#options;
    const { closing, data, closed } = segmentPaths(
      directory,
      closingStem(formatStem(last, writer)),
    );
    return [closing, data, closed].some((path) => files.exists(path));
  }
}
