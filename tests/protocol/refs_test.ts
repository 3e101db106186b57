import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "../harness.ts";
import { type ParsedRef, parseRef } from "../../src/protocol/refs.ts";

const at = { entity: "team", project: "demo" };

test("parseRef knows the four kinds of refs", () => {
  const cases: [string, ParsedRef][] = [
    ["weave:///team/demo/op/ask:abc", { kind: "op", ...at, name: "ask", digest: "abc" }],
    ["weave:///team/demo/object/cats:abc", { kind: "object", ...at, name: "cats", digest: "abc" }],
    ["weave:///team/demo/table/ff00", { kind: "table", ...at, digest: "ff00" }],
    ["weave:///team/demo/call/0193", { kind: "call", ...at, id: "0193" }],
    [
      "weave:///team/demo/object/cats:abc/attr/rows/id/x",
      { kind: "object", ...at, name: "cats", digest: "abc", extra: ["attr", "rows", "id", "x"] },
    ],
    [
      "weave:///team/demo/table/ff00/id/x",
      { kind: "table", ...at, digest: "ff00", extra: ["id", "x"] },
    ],
  ];
  for (const [uri, parts] of cases) assert.deepEqual(parseRef(uri), parts);
});

test("the extra path of a ref is unquoted as by Python's urllib", () => {
  // urllib.parse.quote("a b/c:d!'()*~-._é😀%", safe="")
  const quoted = "a%20b%2Fc%3Ad%21%27%28%29%2A~-._%C3%A9%F0%9F%98%80%25";
  const parts: ParsedRef = {
    kind: "call",
    ...at,
    id: "1",
    extra: ["key", "a b/c:d!'()*~-._é😀%"],
  };
  assert.deepEqual(parseRef("weave:///team/demo/call/1/key/" + quoted), parts);
});

test("the extra path of a ref is parsed as leniently as by Python's urllib", () => {
  const extra = (text: string) => parseRef("weave:///team/demo/call/1/" + text)?.extra;
  assert.deepEqual(extra("key/100%"), ["key", "100%"]);
  assert.deepEqual(extra("key/%zz%41"), ["key", "%zzA"]);
  assert.deepEqual(extra("key/%ff"), ["key", "\ufffd"]);
  assert.deepEqual(extra("key/%EF%BB%BFx"), ["key", "\ufeffx"]);
});

test("a ref without a digest means the latest version, and names may hold colons", () => {
  assert.deepEqual(parseRef("weave:///team/demo/op/ask"), {
    kind: "op",
    ...at,
    name: "ask",
    digest: "latest",
  });
  assert.deepEqual(parseRef("weave:///team/demo/op/a:b:v1"), {
    kind: "op",
    ...at,
    name: "a:b",
    digest: "v1",
  });
});

test("parseRef rejects what is not a ref", () => {
  const bad = [
    "",
    "weave://team/demo/op/a:b",
    "weave:///team/demo",
    "weave:///team/demo/op",
    "weave:///team/demo/op/",
    "weave:///team/demo/op/:b",
    "weave:///team/demo/op/a:",
    "weave:////demo/op/a:b",
    "weave:///team//op/a:b",
    "weave:///team/demo/widget/a:b",
    "weave-trace-internal:///x/op/a:b",
    " weave:///team/demo/op/a:b",
  ];
  for (const uri of bad) assert.equal(parseRef(uri), null, uri);
});

test("any quoted path is parsed", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1 });
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), (extra) => {
      const uri = `weave:///team/demo/object/n:d/${extra.map(encodeURIComponent).join("/")}`;
      assert.deepEqual(parseRef(uri), { kind: "object", ...at, name: "n", digest: "d", extra });
    }),
    { numRuns: 500 },
  );
});
