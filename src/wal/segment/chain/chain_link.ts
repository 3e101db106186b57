/**
 * A segment in a chain: a file of a dead process, read from its checkpoint to its end.
 *
 * @module
 */

import type { ReadFile } from "../../../runtime/file_system.ts";
import type { Runtime } from "../../../runtime/runtime.ts";
import { hasCode, lacksResources } from "../../../errors.ts";
import { DeadLetterFile } from "../../dead_letters/dead_letter_file.ts";
import { isKept, type ListedSegment } from "../../orphans/directory_listing.ts";
import { join } from "@std/path";
import { readCheckpoint, writeCheckpoint } from "../checkpoint.ts";
import {
  type LineRange,
  readDeliveredLines,
  SettledLines,
  writeDeliveredLines,
} from "../delivered_lines.ts";
import {
  type CountBudget,
  PendingCount,
  type PendingSource,
  type SizedCount,
} from "../pending_count.ts";
import { readFrom } from "../read_only_segment.ts";
import {
  namesServer,
  OPEN_SUFFIX,
  SEGMENT_SUFFIX,
  type SegmentPaths,
  segmentPaths,
} from "../segment_name.ts";
import type { DeadLetter } from "../segment.ts";

const NEWLINE = 10;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

export class ChainLink {
  readonly stem: string;
  readonly paths: SegmentPaths;
  /** Offset of its first byte in the chain. */
  readonly base: number;
  /**
   * Its length in the chain: the bytes from the checkpoint to the end of the file, and a newline.
   */
  readonly length: number;
  readonly #runtime: Runtime;
  readonly #segment: ListedSegment;
  /** Byte offset in the file of the first byte in the chain. */
  readonly #from: number;
  readonly #deadLetters: DeadLetterFile;
  #file: ReadFile | null = null;
  #reads = 0;
  #checkpointed: number;
  /** Suffixes of its files: those listed, and those created since. */
  readonly #suffixes: Set<string>;
  #unreadable: unknown = null;
  /** Offset in the chain after the last complete line read. */
  #readTo: number;
  readonly #count = new PendingCount();
  /** Lines of the file that earlier senders delivered ahead of the checkpoint. */
  #delivered: readonly LineRange[] = [];
  /** Those lines, and the ones that earlier senders dead-lettered after the checkpoint. */
  #settled: readonly LineRange[] = [];

  private constructor(
    runtime: Runtime,
    segment: ListedSegment,
    base: number,
    size: number,
    from: number,
    server: string | undefined,
  ) {
    const { directory, stem } = segment;
    this.#runtime = runtime;
    this.#segment = segment;
    this.#suffixes = new Set(segment.suffixes);
    this.stem = stem;
    this.paths = segmentPaths(directory, stem);
    this.base = this.#readTo = base;
    this.#from = this.#checkpointed = from;
    this.length = size - from + 1;
    const { files, clock } = runtime;
    this.#deadLetters = new DeadLetterFile(
      files,
      clock,
      directory,
      this.paths,
      namesServer(stem) ? undefined : server,
    );
  }

  /** Opens a listed segment; returns `null` if it no longer exists or is not a file. */
  static open(
    runtime: Runtime,
    segment: ListedSegment,
    base: number,
    server?: string,
  ): ChainLink | null {
    const { files } = runtime;
    const paths = segmentPaths(segment.directory, segment.stem);
    const stat = files.stat(paths.data);
    if (stat === null || stat.kind !== "file") return null;
    const from = segment.suffixes.has(".checkpoint")
      ? readCheckpoint(files, paths.checkpoint, stat.size, (offset) => {
        const file = files.openRead(paths.data);
        try {
          return file.byteAt(offset - 1) === NEWLINE;
        } finally {
          file.close();
        }
      }).offset
      : 0;
    return new ChainLink(runtime, segment, base, stat.size, from, server);
  }

  /** Offset in the chain after its last byte. */
  get end(): number {
    return this.base + this.length;
  }

  /**
   * Why it cannot be read; `null` if it can. An unreadable segment stays on disk from its
   * checkpoint on.
   */
  get unreadable(): unknown {
    return this.#unreadable;
  }

  /** Paths of the files beside its data, without those that outlive it. */
  get sidecars(): string[] {
    const { directory, stem } = this.#segment;
    return [...this.#suffixes]
      .filter((suffix) => suffix !== SEGMENT_SUFFIX && !isKept(suffix) && suffix !== OPEN_SUFFIX)
      .map((suffix) => join(directory, stem + suffix));
  }

  /** The segment with its current sidecars. */
  get listed(): ListedSegment {
    return { ...this.#segment, suffixes: this.#suffixes };
  }

  /**
   * Returns the lines of the chain that earlier senders dead-lettered or delivered ahead of the
   * checkpoint, after syncing the file of dead letters.
   */
  async settled(): Promise<LineRange[]> {
    const { suffixes } = this.#segment;
    const isLettered = suffixes.has(".deadletter");
    const deadLettered = isLettered ? [...this.#deadLetters.offsets(this.#from)] : [];
    if (deadLettered.length > 0) await this.#deadLetters.confirm();
    if (suffixes.has(".delivered")) {
      this.#delivered = readDeliveredLines(this.#runtime.files, this.paths.delivered);
    }
    this.#settled = new SettledLines(deadLettered, this.#delivered).ranges;
    return this.#settled.filter(({ to }) => to > this.#from).map(({ from, to }) => ({
      from: this.#inChain(Math.max(from, this.#from)),
      to: Math.min(this.#inChain(to), this.end),
    }));
  }

  /** End of what can be read; after it, `read` returns newlines. */
  get readEnd(): number {
    return this.#unreadable === null ? this.end : this.#readTo;
  }

  #inChain(offset: number): number {
    return this.base + offset - this.#from;
  }

  /**
   * Reads up to `into.length` bytes at an offset in the chain. The file always ends with a newline
   * here, even if it does not on disk; bytes that can no longer be read are returned as newlines.
   */
  async read(offset: number, into: Uint8Array): Promise<number> {
    const at = offset - this.base;
    const count = Math.min(into.length, this.length - at);
    const inFile = Math.min(count, this.length - 1 - at);
    let done = 0;
    while (done < inFile && this.#unreadable === null) {
      const position = this.#from + at + done;
      const read = await this.#readFile(position, into.subarray(done, inFile));
      if (read === 0 && this.#unreadable === null) this.#unreadable = this.#endsEarly(position);
      if (read === 0) break;
      done += read;
    }
    const lineEnd = into.subarray(0, done).lastIndexOf(NEWLINE) + 1;
    if (lineEnd > 0) this.#readTo = Math.max(this.#readTo, offset + lineEnd);
    into.fill(NEWLINE, done, count);
    if (at + count === this.length) this.close();
    return count;
  }

  /** Counts the records from an offset on; what cannot be read counts only with its bytes. */
  async countFrom(offset: number, budget: CountBudget): Promise<SizedCount> {
    const from = this.#from + Math.max(0, offset - this.base);
    const to = this.#from + this.length - 1;
    const unread = { records: 0, bytes: to - from, isEstimate: false };
    if (this.#unreadable) return unread;
    const open = (): PendingSource => {
      const file = this.#runtime.files.openRead(this.paths.data);
      return { read: (at, into) => readFrom(file, at, into), close: () => file.close() };
    };
    const lines = { settled: this.#settled, isFinal: true };
    return await this.#count.count(from, to, budget, open, lines).catch(() => unread);
  }

  /**
   * Writes a checkpoint for everything before an offset in the chain, or before the line that
   * cannot be read, if there is one.
   */
  checkpoint(offset: number): void {
    const to = this.#from + Math.min(Math.min(offset, this.readEnd) - this.base, this.length - 1);
    if (to <= this.#checkpointed) return;
    this.#suffixes.add(".checkpoint");
    writeCheckpoint(this.#runtime.files, this.paths.checkpoint, to);
    this.#checkpointed = to;
  }

  /** Notes lines of the chain, all of them in this file, that are delivered ahead of the checkpoint. */
  keepDelivered(delivered: readonly LineRange[]): void {
    const shift = this.#from - this.base;
    const own = delivered.map(({ from, to }) => ({ from: from + shift, to: to + shift }));
    this.#suffixes.add(".delivered");
    const all = [...this.#delivered, ...own];
    writeDeliveredLines(this.#runtime.files, this.paths.delivered, all, this.#checkpointed);
  }

  /**
   * Dead-letters lines at offsets in the chain, and syncs them before it resolves. Does nothing if
   * the file is unreadable: the error may have cut a line in two, and what stays on disk is read
   * again from the checkpoint on.
   */
  async deadLetter(deadLetters: readonly DeadLetter[]): Promise<void> {
    if (this.#unreadable !== null) return;
    const own = deadLetters.map((deadLetter): DeadLetter => {
      const isLast = deadLetter.offset + deadLetter.length === this.end - 1;
      return {
        ...deadLetter,
        // If the last line is corrupt, its writer did not finish it.
        reason: deadLetter.reason === "corrupt" && isLast && this.#endsTorn()
          ? "torn"
          : deadLetter.reason,
        offset: this.#from + deadLetter.offset - this.base,
      };
    });
    this.#suffixes.add(".deadletter");
    await this.#deadLetters.append(own, (offset, into) => this.#readFile(offset, into));
  }

  /** Closes the file; another read opens it again. */
  close(): void {
    if (this.#reads > 0) return;
    this.#file?.close();
    this.#file = null;
  }

  async #readFile(offset: number, into: Uint8Array): Promise<number> {
    this.#reads++;
    try {
      this.#file ??= this.#runtime.files.openRead(this.paths.data);
      const count = await this.#file.read(offset, into);
      if (offset === 0 && BYTE_ORDER_MARK.every((byte, index) => into[index] === byte)) {
        into.fill(NEWLINE, 0, BYTE_ORDER_MARK.length);
      }
      return count;
    } catch (error) {
      if (lacksResources(error)) throw error;
      // The user removed the file: it ends here.
      if (!hasCode(error, "ENOENT")) this.#unreadable = error;
      return 0;
    } finally {
      this.#reads--;
    }
  }

  /** Returns why a read at `position` returned nothing; `null` if the file was truncated there. */
  #endsEarly(position: number): Error | null {
    const { data } = this.paths;
    const size = this.#runtime.files.stat(data)?.size ?? 0;
    return size <= position
      ? null
      : new Error(`Cannot read all of a log: ${data}, ${position} of ${size} bytes`);
  }

  #endsTorn(): boolean {
    try {
      const file = this.#runtime.files.openRead(this.paths.data);
      try {
        return file.byteAt(this.#from + this.length - 2) !== NEWLINE;
      } finally {
        file.close();
      }
    } catch {
      return false;
    }
  }
}
