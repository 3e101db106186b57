/**
 * Finds a byte, such as the newline at the end of a record.
 *
 * On V8, `Uint8Array.prototype.indexOf` checks one byte at a time (190 ns for a record of 620
 * bytes, `scripts/bench/programs/find.ts`). Node's `Buffer` has a vectorized search for any byte
 * array (16 ns), and so has Bun's `indexOf` (25 ns). On Deno, four bytes at a time are fastest (95
 * ns).
 *
 * @module
 */

/** Returns the position of the first `byte` in `bytes[from, to)`, or -1. */
export type FindByte = (bytes: Uint8Array, byte: number, from: number, to: number) => number;

type IndexOf = (this: Uint8Array, byte: number, from: number) => number;

interface HostGlobals {
  Deno?: unknown;
  Bun?: unknown;
  Buffer?: { prototype: { indexOf: IndexOf } };
}

/** Uses the runtime's own search. */
export function findByIndexOf(indexOf: IndexOf): FindByte {
  return (bytes, byte, from, to) => {
    const at = indexOf.call(bytes, byte, from);
    return at === -1 || at >= to ? -1 : at;
  };
}

/**
 * Checks four bytes at a time: a word contains the byte if its XOR with four copies of the byte has
 * a zero byte.
 */
export const findByWords: FindByte = (bytes, byte, from, to) => {
  let at = from;
  const skew = bytes.byteOffset & 3;
  while (at < to && ((at + skew) & 3) !== 0) {
    if (bytes[at] === byte) return at;
    at++;
  }
  const words = wordsOf(bytes);
  const pattern = Math.imul(byte, 0x01010101);
  const shift = (bytes.byteOffset - words.byteOffset) | 0;
  let word = (at + shift) >> 2;
  const end = (to + shift) >> 2;
  // Four words per iteration; the loop below determines which word matched.
  for (; word < end - 3; word += 4) {
    const a = words[word] ^ pattern, b = words[word + 1] ^ pattern;
    const c = words[word + 2] ^ pattern, d = words[word + 3] ^ pattern;
    const found = ((a - 0x01010101) & ~a) | ((b - 0x01010101) & ~b) |
      ((c - 0x01010101) & ~c) | ((d - 0x01010101) & ~d);
    if ((found & 0x80808080) !== 0) break;
  }
  for (; word < end; word++) {
    const difference = words[word] ^ pattern;
    if (((difference - 0x01010101) & ~difference & 0x80808080) !== 0) break;
  }
  for (at = Math.max(at, (word << 2) - shift); at < to; at++) {
    if (bytes[at] === byte) return at;
  }
  return -1;
};

let lastBytes: Uint8Array | undefined;
let lastWords: Int32Array = new Int32Array(0);

/**
 * Returns a view of the same memory in words. The last view is cached, because the same buffer is
 * used often.
 */
function wordsOf(bytes: Uint8Array): Int32Array {
  if (bytes !== lastBytes) {
    const start = bytes.byteOffset & ~3;
    const end = (bytes.byteOffset + bytes.byteLength) & ~3;
    lastWords = new Int32Array(bytes.buffer, start, Math.max(0, (end - start) >> 2));
    lastBytes = bytes;
  }
  return lastWords;
}

/**
 * Returns the position of the first `byte` in `bytes[from, to)`, or -1, with the fastest method for
 * this runtime.
 */
export const findByte: FindByte = choose(globalThis as HostGlobals);

function choose({ Deno: deno, Bun: bun, Buffer: buffer }: HostGlobals): FindByte {
  if (deno) return findByWords;
  return findByIndexOf(!bun && buffer ? buffer.prototype.indexOf : Uint8Array.prototype.indexOf);
}
