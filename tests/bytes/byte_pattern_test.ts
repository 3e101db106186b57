import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "../harness.ts";
import { BytePattern, viewOf } from "../../src/bytes/byte_pattern.ts";

test("byte pattern: matches exactly the same bytes", () => {
  const encoder = new TextEncoder();
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("a", "b", "é"), minLength: 4, maxLength: 20 }),
      fc.string({ unit: fc.constantFrom("a", "b", "é"), maxLength: 24 }),
      fc.nat(3),
      fc.boolean(),
      (text, around, skew, planted) => {
        const expected = encoder.encode(text);
        const content = encoder.encode(planted ? around + text + around : around);
        const buffer = new Uint8Array(skew + content.length + 3).fill(97);
        buffer.set(content, skew);
        const bytes = buffer.subarray(skew, skew + content.length);
        const pattern = new BytePattern(text);
        assert.equal(pattern.length, expected.length);
        for (let at = -1; at <= bytes.length; at++) {
          const there = bytes.subarray(Math.max(0, at), at + expected.length);
          const same = at >= 0 && String(there) === String(expected);
          assert.equal(pattern.standsAt(bytes, at), same, `${text} in ${bytes} at ${at}`);
        }
      },
    ),
    { numRuns: 2_000, seed: 7 },
  );
});

test("byte pattern: writes the text and nothing else", () => {
  const encoder = new TextEncoder();
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("a", "b", "é", "\u{1f600}"), minLength: 4, maxLength: 30 }),
      fc.nat(9),
      (text, at) => {
        const content = encoder.encode(text);
        const bytes = new Uint8Array(content.length + 20).fill(46).subarray(3);
        const expected = bytes.slice();
        expected.set(content, at);
        const pattern = new BytePattern(text);
        pattern.writeTo(viewOf(bytes), at);
        assert.deepEqual(bytes, expected);
        assert.ok(pattern.standsAt(bytes, at));
      },
    ),
    { numRuns: 2_000, seed: 7 },
  );
});

test("byte pattern: a text shorter than a word is refused", () => {
  assert.throws(() => new BytePattern("abc"), RangeError);
});
