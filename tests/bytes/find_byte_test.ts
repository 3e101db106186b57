import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { test } from "../harness.ts";
import { findByIndexOf, findByte, findByWords } from "../../src/bytes/find_byte.ts";
import { scanBySearch, scanBytes, scanByText } from "../../src/bytes/scan_bytes.ts";

test("find byte: every implementation agrees with a plain search, at any position", () => {
  const reference = findByIndexOf(Uint8Array.prototype.indexOf);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40, max: 12 }),
      fc.nat(7),
      fc.nat(40),
      fc.nat(40),
      (content, skew, from, length) => {
        const buffer = new Uint8Array(skew + content.length + 5).fill(10);
        buffer.set(content, skew);
        const bytes = buffer.subarray(skew, skew + content.length);
        const start = Math.min(from, content.length);
        const to = Math.min(start + length, content.length);
        const expected = reference(bytes, 10, start, to);
        assert.equal(findByWords(bytes, 10, start, to), expected);
        assert.equal(findByte(bytes, 10, start, to), expected);
      },
    ),
    { numRuns: 3_000, seed: 7 },
  );
});

test("find byte: words with high bits, in which a borrow propagates, hide nothing", () => {
  for (const byte of [0, 1, 10, 0x7f, 0x80, 0xff]) {
    for (const other of [0, 1, 9, 11, 0x7f, 0x80, 0x81, 0xfe, 0xff]) {
      for (let position = 0; position < 16; position++) {
        const bytes = new Uint8Array(16).fill(other === byte ? 5 : other);
        bytes[position] = byte;
        assert.equal(findByWords(bytes, byte, 0, 16), position);
      }
    }
  }
});

test("scan bytes: every implementation finds every byte, at any position and from any start", () => {
  const reference = findByIndexOf(Uint8Array.prototype.indexOf);
  const ways = [
    scanBytes,
    scanBySearch,
    scanByText((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
  ];
  fc.assert(
    fc.property(
      // Longer than the part decoded at once, with bytes above 127 in between.
      fc.array(fc.nat(30_000), { maxLength: 12 }),
      fc.nat(7),
      fc.array(fc.nat(100_000), { minLength: 1, maxLength: 12 }),
      fc.constantFrom(97, 0xc3, 0xff),
      (gaps, skew, looks, other) => {
        const length = gaps.reduce((sum, gap) => sum + gap + 1, 0) + 5;
        const buffer = new Uint8Array(skew + length + 3).fill(10);
        const bytes = buffer.subarray(skew, skew + length).fill(other);
        for (let at = -1, i = 0; i < gaps.length; i++) bytes[at += gaps[i] + 1] = 10;
        const to = length - 2;
        for (const way of ways) {
          const scan = way(bytes, 10, to);
          for (let at = 0; at < to;) {
            const expected = reference(bytes, 10, at, to);
            assert.equal(scan.next(at), expected);
            if (expected === -1) break;
            at = expected + 1;
          }
          for (const from of looks) assert.equal(scan.next(from), reference(bytes, 10, from, to));
        }
      },
    ),
    { numRuns: 300, seed: 7 },
  );
});
