import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "../../harness.ts";
import { sha256 } from "../../../src/protocol/digest/sha256.ts";

const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const hashText = (text: string) => hex(sha256(new TextEncoder().encode(text)));
const subtle = async (bytes: Uint8Array<ArrayBuffer>) =>
  hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));

test("sha256 gives the published hashes of NIST's examples", () => {
  assert.equal(
    hashText(""),
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  assert.equal(
    hashText("abc"),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  assert.equal(
    hashText("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
  assert.equal(
    hashText(
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn" +
        "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
    ),
    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
  );
  assert.equal(
    hashText("a".repeat(1_000_000)),
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
  );
});

test("sha256 is right at every length around the ends of blocks", async () => {
  const bytes = Uint8Array.from({ length: 260 }, (_, i) => (i * 7 + 3) & 0xff);
  for (let length = 0; length <= bytes.length; length++) {
    const part = bytes.slice(0, length);
    assert.equal(hex(sha256(part)), await subtle(part), `${length} bytes`);
  }
});

test("sha256 agrees with the runtime's own on random bytes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
      const copy = bytes.slice() as Uint8Array<ArrayBuffer>;
      assert.equal(hex(sha256(bytes)), await subtle(copy));
      assert.deepEqual(bytes, copy, "its input must stay as it is");
    }),
    { numRuns: 200 },
  );
});

test("sha256 of a view of a larger buffer covers only the view", () => {
  const whole = new TextEncoder().encode("xxabcyy");
  assert.equal(hex(sha256(whole.subarray(2, 5))), hashText("abc"));
});
