import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "../../harness.ts";
import { objectDigest } from "../../../src/protocol/digest/digest.ts";
import { toJsonText } from "../../../src/protocol/json/stringify.ts";
import { jsonString, wellFormed, wellFormedJson } from "../../../src/protocol/json/well_formed.ts";

/** Arbitrary UTF-16 with many surrogates and escapes. */
const anyText = fc.array(
  fc.constantFrom("\ud83d", "\ude00", "\ud800", "\udfff", "a", "\\", "\\ud83d", '"', "é", "\n"),
).map((parts) => parts.join(""));
/** The text as encoded by Python with `errors="replace"`. */
const replaced = (text: string) => new TextDecoder().decode(new TextEncoder().encode(text));

test("half a surrogate pair becomes U+FFFD in values and in keys", () => {
  assert.equal(toJsonText("😀".slice(0, 1)), '"\ufffd"');
  assert.equal(toJsonText("\ud800x\udc00\udc00"), '"\ufffdx\ufffd\ufffd"');
  assert.equal(
    toJsonText({ ["a\ud800"]: ["\udc00"], big: 1n }),
    '{"a\ufffd":["\ufffd"],"big":"1"}',
  );
  assert.equal(toJsonText("a😀\\ud83d\\\\ud83d"), JSON.stringify("a😀\\ud83d\\\\ud83d"));
  assert.equal(jsonString("\\\ud83d"), '"\\\\\ufffd"');
});

test("any text is encoded in its well-formed form, by both encoders", () => {
  fc.assert(
    fc.property(anyText, anyText, (text, key) => {
      const json = toJsonText({ [key]: [text] });
      assert.equal(json, JSON.stringify({ [replaced(key)]: [replaced(text)] }));
      assert.deepEqual(JSON.parse(toJsonText({ [key]: text, big: 1n })), {
        [replaced(key)]: replaced(text),
        big: "1",
      });
      assert.equal(wellFormed(text), replaced(text));
    }),
    { numRuns: 500 },
  );
});

test("the digest of a value matches the text that is sent", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const sent = JSON.parse(toJsonText({ text }));
      assert.equal(objectDigest(sent), objectDigest({ text: replaced(text) }));
    }),
  );
});

test("a JSON text is made well-formed as the value that it holds", () => {
  fc.assert(
    fc.property(anyText, anyText, (text, key) => {
      const json = wellFormedJson(JSON.stringify({ [key]: text }));
      assert.equal(json, JSON.stringify({ [replaced(key)]: replaced(text) }));
    }),
    { numRuns: 500 },
  );
});
