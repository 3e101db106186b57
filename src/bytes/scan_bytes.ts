/**
 * Finds one byte after another: where the records of a whole batch end.
 *
 * Where the host has a vectorized search over bytes ({@linkcode findByte}) that is used. Deno has
 * one over text only: a stretch of the bytes as Latin-1 text, a character for each byte, is made and
 * searched in half the time of a search four bytes at a time (75 and 150 us for 1,000 records of 620
 * bytes, `scripts/bench/programs/find.ts`).
 *
 * @module
 */

import { findByte } from "./find_byte.ts";
import { keepCompiled } from "./keep_compiled.ts";

/** A search through bytes that do not change meanwhile. */
export interface ByteScan {
  /** Position of the first such byte at or behind `from`, or -1. */
  next(from: number): number;
}

/** Begins a search for `byte` in `bytes[0, to)`. */
export type ScanBytes = (bytes: Uint8Array, byte: number, to: number) => ByteScan;

/** Bytes that are made text at once: few enough to stay in a processor's cache. */
const STRETCH = 32 * 1024;

/** Bytes that can show themselves as text, as Node's `Buffer` does. */
interface TextBytes {
  toString(encoding: "latin1", start: number, end: number): string;
}

interface HostGlobals {
  Deno?: unknown;
  Buffer?: { from(bytes: ArrayBufferLike, offset: number, length: number): TextBytes };
}

/** By a search for each. */
export const scanBySearch: ScanBytes = (bytes, byte, to) => ({
  next: (from) => findByte(bytes, byte, from, to),
});

/** Over stretches of text. */
export function scanByText(view: (bytes: Uint8Array) => TextBytes): ScanBytes {
  return (bytes, byte, to) => new TextScan(view(bytes), String.fromCharCode(byte), to);
}

class TextScan implements ByteScan {
  readonly #bytes: TextBytes;
  readonly #wanted: string;
  readonly #to: number;
  #text = "";
  /** Position of the text's first character, and behind its last. */
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

/** Begins a search for `byte` in `bytes[0, to)`, in the way that is fastest here. */
export const scanBytes: ScanBytes = choose(globalThis as unknown as HostGlobals);

keepCompiled(scanBytes(new Uint8Array(0), 0, 0));

function choose({ Deno: deno, Buffer: buffer }: HostGlobals): ScanBytes {
  if (!deno || !buffer) return scanBySearch;
  return scanByText((bytes) => buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
}
