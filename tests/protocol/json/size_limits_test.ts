import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { bytesDigest } from "../../../src/protocol/digest/digest.ts";
import {
  MAX_BIGINT_BITS,
  MAX_VALUE_CHARS,
  SAMPLE_BYTES,
} from "../../../src/protocol/json/size_limits.ts";
import { toJsonText } from "../../../src/protocol/json/stringify.ts";

const read = (value: unknown, limit?: number) => JSON.parse(toJsonText(value, undefined, limit));
const OMITTED = "over the size limit";

test("binary data over the limit is described: type, size, digest of both ends", () => {
  const bytes = new Uint8Array(200 * 1024 * 1024);
  bytes[0] = 1;
  bytes[bytes.length - 1] = 2;
  const sample = new Uint8Array(2 * SAMPLE_BYTES);
  sample[0] = 1;
  sample[sample.length - 1] = 2;
  const described = {
    bytes: bytes.length,
    sample_digest: bytesDigest(sample),
    omitted: OMITTED,
  };
  assert.deepEqual(
    read([bytes, new Float64Array(bytes.buffer), bytes.buffer, new DataView(bytes.buffer), 1n]),
    [
      { _type: "Uint8Array", ...described },
      { _type: "Float64Array", ...described },
      { _type: "ArrayBuffer", ...described },
      { _type: "DataView", ...described },
      "1",
    ],
  );
});

test("a described view of a buffer covers only the view, and a short one is covered once", () => {
  const part = new Uint8Array(Uint8Array.from({ length: 1000 }, (_, i) => i).buffer, 100, 800);
  assert.deepEqual(read(part, 400), {
    _type: "Uint8Array",
    bytes: 800,
    sample_digest: bytesDigest(part),
    omitted: OMITTED,
  });
  assert.equal(read(part, 1068 + 64).base64.length, 1068);
  assert.equal(read(part, 1068 + 63).bytes, 800);
});

test("a string over the limit is described, at the top and inside", () => {
  const huge = "x".repeat(300_000_000);
  const described = { _type: "string", length: huge.length, omitted: OMITTED };
  assert.deepEqual(read(huge), described);
  assert.deepEqual(read({ a: [huge], b: 1, c: Symbol("s") }), {
    a: [described],
    b: 1,
    c: "Symbol(s)",
  });
  assert.deepEqual(read({ toJSON: () => huge }), described);
  assert.deepEqual(read(Object.assign(new Error("x"), { message: huge })).message, described);
  assert.deepEqual(Object.keys(read({ [huge]: 1 })), ["[Truncated]"]);
});

test("all parts of a value share its limit, in order", () => {
  const words = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(200));
  const text = toJsonText({ words, after: 1 }, undefined, 700);
  assert.ok(text.length < 1000, `${text.length} characters`);
  const { words: kept, ...rest } = JSON.parse(text);
  assert.deepEqual(kept.slice(0, 3), words.slice(0, 3));
  assert.equal(kept[3].length, 200);
  assert.equal(kept[3].omitted, OMITTED);
  assert.equal(kept.at(-1), "[Truncated]");
  assert.deepEqual(rest, { "[Truncated]": true });
});

test("arrays, objects, maps and sets of any length stay within the limit", () => {
  const many = Array.from({ length: 100_000 }, (_, i) => i);
  const values = [
    many,
    many.map((i) => ({ i })),
    Object.fromEntries(many.map((i) => [`key ${i}`, i])),
    new Map(many.map((i) => [`key ${i}`, i])),
    new Map(many.map((i) => [i, i])),
    new Set(many),
    many.map((i) => `text ${i}`),
  ];
  for (const value of values) {
    const text = toJsonText(value, undefined, 10_000);
    assert.ok(text.length < 10_200 && text.length > 4_000, `${text.length} characters`);
    assert.ok(text.includes("[Truncated]"));
    JSON.parse(text);
  }
});

test("an array too long to be counted is cut, whether it has gaps or not", () => {
  const dense = new Array(5_000_000).fill(7);
  const text = toJsonText(dense);
  assert.ok(text.length <= MAX_VALUE_CHARS + 20, `${text.length} characters`);
  assert.ok(text.endsWith('"[Truncated]"]'));
  const sparse: unknown[] = [];
  sparse[4_000_000_000] = "x";
  assert.deepEqual(read([sparse]), [{ "4000000000": "x" }]);
});

test("a BigInt has its digits up to a limit of bits", () => {
  const limit = BigInt(MAX_BIGINT_BITS);
  assert.equal(read((1n << limit) - 1n), String((1n << limit) - 1n));
  assert.equal(read(1n << 100_000_000n), "<bigint of more than 65536 bits>");
  assert.equal(read(-(1n << limit)), "<bigint of more than 65536 bits>");
});
