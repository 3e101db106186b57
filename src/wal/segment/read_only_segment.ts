/**
 * A segment opened only for reading, without a lease, while its writer and sender may be using it.
 *
 * @module
 */

import { parseStem } from "./segment_name.ts";
import type { FileSystem, ReadFile } from "../../runtime/file_system.ts";
import { type LineSet, NO_LINES } from "./delivered_lines.ts";
import type { Segment } from "./segment.ts";

/** Options for {@linkcode ReadOnlySegment}. */
export interface ReadSegmentOptions {
  /** Its name in messages. */
  readonly name: string;
  /** Byte offset to stop at; by default the end of the file. */
  readonly end?: () => number;
  /** Size of the file where it was just read: it is not asked for again. */
  readonly size?: number;
  /** Lines to skip. */
  readonly settledLines?: LineSet;
  /** Whether the segment is final. */
  readonly sealed?: boolean;
}

/**
 * Maximum bytes to read synchronously: for so few, using a thread takes longer than reading them.
 */
const AT_ONCE_BYTES = 64 * 1024;

/**
 * Reads from a file that only readers wait for: a few bytes synchronously, more off the event loop.
 */
export async function readFrom(file: ReadFile, offset: number, into: Uint8Array): Promise<number> {
  return into.length <= AT_ONCE_BYTES ? file.readNow(offset, into) : await file.read(offset, into);
}

/**
 * Reads a file of lines as a segment. Keeps the file open, and so its space on disk, until
 * `close()`.
 */
export class ReadOnlySegment implements Segment {
  readonly name: string;
  readonly begun: number;
  readonly checkpoint = 0;
  readonly live = false;
  readonly settledLines: LineSet;
  readonly #file: ReadFile;
  readonly #end: (() => number) | undefined;
  readonly #size: number | undefined;
  readonly #sealed: boolean;

  /** Opens the file at `path`. Throws the file system error if it does not exist. */
  constructor(files: FileSystem, path: string, options: ReadSegmentOptions) {
    this.name = options.name;
    this.begun = Number(parseStem(options.name)?.time ?? 0) / 1e6;
    this.settledLines = options.settledLines ?? NO_LINES;
    this.#end = options.end;
    this.#size = options.size;
    this.#sealed = options.sealed ?? false;
    this.#file = files.openRead(path);
  }

  end(): number {
    const size = this.#size ?? this.#file.size();
    return this.#end === undefined ? size : Math.min(size, this.#end());
  }

  isSealed(): boolean {
    return this.#sealed;
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    return await readFrom(this.#file, offset, into);
  }

  /** Returns the start of the first line at or after `offset`. */
  async lineAt(offset: number): Promise<number> {
    if (offset <= 0) return 0;
    const end = this.end();
    const buffer = new Uint8Array(64 * 1024);
    for (let at = offset - 1; at < end;) {
      const count = await this.#file.read(at, buffer);
      if (count === 0) break;
      const newline = buffer.subarray(0, count).indexOf(10);
      if (newline !== -1) return Math.min(at + newline + 1, end);
      at += count;
    }
    return end;
  }

  /** Not supported; throws. */
  assertHeld(): void {
    throw readOnly(this.name);
  }

  /** Not supported; throws. */
  acknowledge(): void {
    throw readOnly(this.name);
  }

  /** Not supported; rejects. */
  deadLetterLines(): Promise<void> {
    return Promise.reject(readOnly(this.name));
  }

  /** Not supported; throws. */
  complete(): void {
    throw readOnly(this.name);
  }

  /** Closes the file. */
  release(): void {
    this.close();
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  /** Not supported; returns `false`. */
  isGone(): boolean {
    return false;
  }
}

function readOnly(name: string): Error {
  return new Error(`Cannot change a segment that is open for reading: ${name}`);
}
