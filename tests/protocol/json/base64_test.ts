import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "../../harness.ts";
import { base64, decodeBase64, fromBase64 } from "../../../src/protocol/json/base64.ts";

const encoder = new TextEncoder();

/** Decodes `text` in the middle of other bytes into the middle of others. */
function decoded(text: string): Uint8Array | null {
  const source = encoder.encode(`"AA==${text}AA=="`);
  const target = new Uint8Array(text.length + 2).fill(7);
  const length = decodeBase64(source, 5, 5 + encoder.encode(text).length, target, 1);
  assert.equal(target[0], 7);
  if (length === -1) return null;
  assert.ok(target.subarray(1 + length).every((byte) => byte === 7), "wrote behind the result");
  return target.slice(1, 1 + length);
}

/** Runs `check` with the methods of `Buffer` and without them. */
function eachWay(check: () => void): void {
  check();
  const hidden = globalThis as { Buffer?: unknown };
  const { Buffer } = hidden;
  hidden.Buffer = undefined;
  try {
    check();
  } finally {
    hidden.Buffer = Buffer;
  }
}

test("Base64 in bytes is decoded to the bytes that were encoded", () => {
  eachWay(() =>
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = base64(bytes);
      assert.deepEqual(decoded(text), Uint8Array.from(bytes));
      assert.deepEqual(fromBase64(text), Uint8Array.from(bytes));
    }))
  );
});

for (
  const text of ["***", "QU*D", "QUJD*", "QUJDQ", "Q\\/BD", 'QU"D', 'QUJD","x":"QUJD', "=", "QUé="]
) {
  test(`text that is not Base64 is not decoded: ${text}`, () => {
    eachWay(() => assert.equal(decoded(text), null));
  });
}
