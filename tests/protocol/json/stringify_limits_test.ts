import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { MAX_DEPTH, toJsonText } from "../../../src/protocol/json/stringify.ts";

/** The value that the server would receive. */
const read = (value: unknown) => JSON.parse(toJsonText(value));

const throwing = (message: string) => () => {
  throw new Error(message);
};

test("toJsonText marks cycles and writes shared objects each time", () => {
  const shared = { s: 1 };
  const value: Record<string, unknown> = { a: shared, b: [shared], map: new Map() };
  value.me = value;
  (value.map as Map<string, unknown>).set("up", { value });
  assert.deepEqual(read(value), {
    a: { s: 1 },
    b: [{ s: 1 }],
    map: { up: { value: "[Circular]" } },
    me: "[Circular]",
  });
  const list: unknown[] = [];
  list.push(list);
  assert.deepEqual(read(list), ["[Circular]"]);
});

test("toJsonText truncates deep nesting and keeps the levels above", () => {
  let value: unknown = "bottom";
  for (let i = 0; i < 10_000; i++) value = i % 2 ? [value] : { value };
  let level = read(value);
  let levels = 0;
  for (; typeof level === "object"; levels++) level = Object.values(level)[0];
  assert.equal(levels, MAX_DEPTH);
  assert.equal(level, "[Truncated]");

  let fits: unknown = "bottom";
  for (let i = 0; i < MAX_DEPTH; i++) fits = [fits];
  assert.equal(toJsonText(fits), JSON.stringify(fits));
});

test("toJsonText has bounded output for graphs with endless paths", () => {
  let shared: unknown = { leaf: true };
  for (let i = 0; i < 40; i++) shared = [shared, shared];
  const text = toJsonText(shared);
  assert.ok(text.includes("[Repeated]"));
  assert.ok(text.length < 5_000_000);

  class Inventor {
    toJSON(): object {
      return { a: new Inventor(), b: new Inventor() };
    }
  }
  assert.ok(toJsonText(new Inventor()).includes("[Truncated]"));
});

test("toJsonText writes sparse arrays of absurd length by their slots", () => {
  const sparse: unknown[] = [];
  sparse[4_000_000_000] = "x";
  assert.deepEqual(read({ sparse }), { sparse: { "4000000000": "x" } });
  const dense = Array.from({ length: 1_000_001 }, () => 7);
  assert.equal(toJsonText(dense), JSON.stringify(dense));
});

test("toJsonText does not truncate huge strings", () => {
  const huge = '"é\n'.repeat(3_000_000);
  assert.equal(read({ huge, odd: 1n }).huge, huge);
});

test("toJsonText writes a substitute instead of a value, once, including its contents", () => {
  const saved = { secret: 1 };
  const f = () => 1;
  const substitute = (value: object): unknown => {
    if (value === saved) return "weave:///team/demo/object/x:1";
    if (value === f) return { op: saved };
    if (value instanceof Map) return new Set(["was a map", saved]);
    return undefined;
  };
  const ref = "weave:///team/demo/object/x:1";
  assert.deepEqual(JSON.parse(toJsonText({ a: [saved], f, m: new Map(), n: 1 }, substitute)), {
    a: [ref],
    f: { op: ref },
    m: ["was a map", ref],
    n: 1,
  });
  assert.equal(toJsonText(saved, substitute), JSON.stringify(ref));
  assert.equal(toJsonText({ a: 1 }, throwing("substitute")), '"<error: substitute>"');
  assert.equal(toJsonText([{}], () => null), "null");
});
