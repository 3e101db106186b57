import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "./harness.ts";
import { findByIndexOf, findByte, findByWords } from "../src/runtime/find_byte.ts";

test("find byte: every way finds what a plain search finds, wherever the bytes stand", () => {
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

test("find byte: words with high bits, where a borrow runs over, hide nothing", () => {
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
