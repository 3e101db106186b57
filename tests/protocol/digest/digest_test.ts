import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { test } from "../../harness.ts";
import {
  bytesDigest,
  containsWeaveRef,
  fileDigest,
  objectDigest,
  rowDigest,
  serverDigest,
  tableDigest,
} from "../../../src/protocol/digest/digest.ts";
import { provisionalDigest } from "../../../src/protocol/digest/provisional.ts";
import vectors from "../../support/data/digest-vectors.json" with { type: "json" };

const REF = "weave:///team/demo/object/cats:abc";
const INTERNAL_REF = "weave-trace-internal:///UHJvajE=/object/cats:abc";
const known = (project: string) => project === "team/demo" ? "UHJvajE=" : undefined;

test("digests of objects, rows, tables and files match the server's", () => {
  for (const { val, digest } of vectors.object) {
    assert.equal(objectDigest(val), digest);
    assert.equal(serverDigest(val), digest);
  }
  for (const { rows, row_digests, digest } of vectors.table) {
    assert.deepEqual(rows.map(rowDigest), row_digests);
    assert.equal(tableDigest(row_digests), digest);
  }
  for (const { text, digest } of vectors.file) {
    assert.equal(fileDigest(text), digest);
    assert.equal(fileDigest(new TextEncoder().encode(text)), digest);
  }
});

test("bytesDigest agrees with another SHA-256 in Weave's alphabet", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const expected = createHash("sha256").update(bytes).digest("base64url")
        .replaceAll("-", "X").replaceAll("_", "Y");
      assert.equal(bytesDigest(bytes), expected);
    }),
    { numRuns: 300 },
  );
});

test("containsWeaveRef finds refs in values and not in keys or prose", () => {
  assert.equal(containsWeaveRef(REF), true);
  assert.equal(containsWeaveRef({ a: [{ b: REF }] }), true);
  assert.equal(containsWeaveRef(INTERNAL_REF), true);
  assert.equal(containsWeaveRef({ [REF]: 1 }), false);
  assert.equal(containsWeaveRef(`see ${REF}`), false);
  assert.equal(containsWeaveRef(`["see ${REF}"]`), false);
  assert.equal(containsWeaveRef({ a: null, b: 1, c: true, d: "weave://x" }), false);
});

test("containsWeaveRef finds refs in strings that are JSON texts, including Python's format", () => {
  assert.equal(containsWeaveRef(JSON.stringify({ part: [REF] })), true);
  assert.equal(containsWeaveRef(JSON.stringify({ inner: JSON.stringify([REF]) })), true);
  assert.equal(containsWeaveRef(`  "${REF}"`), true);
  assert.equal(containsWeaveRef(`{"x": NaN, "ref": "${REF}"}`), true);
  assert.equal(containsWeaveRef(`{"x": oops, "ref": "${REF}"}`), false);
});

test("serverDigest puts the internal project id into every ref", () => {
  const value = { plain: "x", list: [REF, { deep: REF }], prose: `see ${REF}` };
  const internal = {
    plain: "x",
    list: [INTERNAL_REF, { deep: INTERNAL_REF }],
    prose: `see ${REF}`,
  };
  assert.equal(serverDigest(value, known), objectDigest(internal));
  assert.deepEqual(value.list[0], REF, "its input must stay as it is");
});

test("serverDigest treats __proto__ as an ordinary key next to a ref", () => {
  const value = JSON.parse(`{"__proto__":{"a":1},"ref":"${REF}"}`);
  const internal = JSON.parse(`{"__proto__":{"a":1},"ref":"${INTERNAL_REF}"}`);
  assert.equal(serverDigest(value, known), objectDigest(internal));
  const inside = JSON.parse(`{"__proto__":"${REF}"}`);
  const insideInternal = JSON.parse(`{"__proto__":"${INTERNAL_REF}"}`);
  assert.equal(serverDigest(inside, known), objectDigest(insideInternal));
});

test("serverDigest does not guess", () => {
  assert.equal(serverDigest({ ref: REF }), undefined);
  assert.equal(serverDigest([REF, "weave:///other/demo/op/x:1"], known), undefined);
  assert.equal(serverDigest("weave:///team/demo", known), undefined);
  assert.equal(serverDigest(INTERNAL_REF, () => "id"), undefined);
  assert.equal(serverDigest({ text: JSON.stringify([REF]) }, known), undefined);
  const provisional = provisionalDigest("0123456789abcdef".repeat(2));
  for (const text of [REF.replace(/abc$/, provisional), `see ${provisional}`]) {
    assert.equal(serverDigest({ text }, known), undefined, text);
  }
  assert.notEqual(serverDigest({ text: "PROVISIONAL results" }, known), undefined);
});
