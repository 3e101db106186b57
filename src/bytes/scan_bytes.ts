/**
 * Finds every occurrence of a byte, such as the ends of the records in a batch.
 *
 * Uses the runtime's vectorized search over bytes ({@linkcode findByte}), if it has one. Deno has
 * one for text only: converting a range of bytes to Latin-1 text, one character per byte, and
 * searching it takes half the time of a search four bytes at a time (75 and 150 us for 1,000
 * records of 620 bytes, `scripts/bench/programs/find.ts`).
 *
 * @module
 */

import { findByte } from "./find_byte.ts";
import { keepCompiled } from "./keep_compiled.ts";

/** A search in bytes that do not change meanwhile. */
export interface ByteScan {
  /** Returns the position of the first match at or after `from`, or -1. */
  next(from: number): number;
}

/** Starts a search for `byte` in `bytes[0, to)`. */
export type ScanBytes = (bytes: Uint8Array, byte: number, to: number) => ByteScan;

/** Bytes that are converted to text at once: few enough to stay in the processor's cache. */
const STRETCH = 32 * 1024;

/** Bytes that can be converted to text, as Node's `Buffer` can. */
interface TextBytes {
  toString(encoding: "latin1", start: number, end: number): string;
}

interface HostGlobals {
  Deno?: unknown;
  Buffer?: { from(bytes: ArrayBufferLike, offset: number, length: number): TextBytes };
}

/** Searches for each occurrence separately. */
export const scanBySearch: ScanBytes = (bytes, byte, to) => ({
  next: (from) => findByte(bytes, byte, from, to),
});

/** Searches in ranges of text. */
export function scanByText(view: (bytes: Uint8Array) => TextBytes): ScanBytes {
  return (bytes, byte, to) => new TextScan(view(bytes), String.fromCharCode(byte), to);
}

class TextScan implements ByteScan {
  readonly #bytes: TextBytes;
  readonly #wanted: string;
  readonly #to: number;
  #text = "";
  /** Start and end of the current text in the bytes. */
  #from = 0;
  #end = 0;

  constructor(bytes: TextBytes, wanted: string, to: number) {
    this.#bytes = bytes;
    this.#wanted = wanted;
    this.#to = to;
  }

  next(from: number): number {
    for (let at = from; at < this.#to; at = this.#end) {
      if (at < this.#from || at >= this.#end) {
        this.#from = at;
        this.#end = Math.min(this.#to, at + STRETCH);
        this.#text = this.#bytes.toString("latin1", at, this.#end);
      }
      const index = this.#text.indexOf(this.#wanted, at - this.#from);
      if (index !== -1) return this.#from + index;
    }
    return -1;
  }
}

/** Starts a search for `byte` in `bytes[0, to)`, with the fastest method for this runtime. */
export const scanBytes: ScanBytes = choose(globalThis as unknown as HostGlobals);

keepCompiled(scanBytes(new Uint8Array(0), 0, 0));

function choose({ Deno: deno, Buffer: buffer }: HostGlobals): ScanBytes {
  if (!deno || !buffer) return scanBySearch;
  return scanByText((bytes) => buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
}
