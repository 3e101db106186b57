import assert from "node:assert/strict";
import { Readable } from "node:stream";
import fc from "fast-check";
import { test } from "../../harness.ts";
import { MAX_DEPTH, toJsonText } from "../../../src/protocol/json/stringify.ts";
import { writeValue } from "../../../src/protocol/json/safe_stringify.ts";
import { MAX_VALUE_CHARS } from "../../../src/protocol/json/size_limits.ts";

/** The value that the server would receive. */
const read = (value: unknown) => JSON.parse(toJsonText(value));

const throwing = (message: string) => () => {
  throw new Error(message);
};

test("toJsonText encodes plain data like JSON.stringify, by both implementations", () => {
  const plain = fc.anything({
    key: fc.string({ unit: "grapheme" }),
    values: [fc.string({ unit: "grapheme" }), fc.double(), fc.boolean(), fc.constant(undefined)],
    withNullPrototype: true,
    withSparseArray: true,
  });
  fc.assert(
    fc.property(plain, (value) => {
      const expected = JSON.stringify(value) ?? "null";
      assert.equal(toJsonText(value), expected);
      assert.equal(writeValue(value, MAX_DEPTH, MAX_VALUE_CHARS), expected);
    }),
    { numRuns: 500 },
  );
});

test("toJsonText returns one line of JSON for any value", () => {
  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withUnicodeString: true,
  });
  fc.assert(
    fc.property(anything, (value) => {
      const text = toJsonText(value);
      JSON.parse(text);
      assert.ok(!text.includes("\n"));
    }),
    { numRuns: 1000 },
  );
});

test("toJsonText encodes numbers, holes and undefined as its table says", () => {
  assert.equal(
    toJsonText({ a: NaN, b: Infinity, c: -0, d: undefined, e: [undefined, , NaN] }),
    '{"a":null,"b":null,"c":0,"e":[null,null,null]}',
  );
  assert.equal(toJsonText(undefined), "null");
  assert.equal(toJsonText(JSON.parse('{"__proto__":{"a":1}}')), '{"__proto__":{"a":1}}');
});

test("toJsonText writes BigInts, symbols, functions and classes as text", () => {
  const value = {
    big: 12345678901234567890n,
    symbol: Symbol("s"),
    [Symbol("key")]: 1,
    f: function named() {},
    arrow: [() => 1],
    Class: class Named {},
  };
  assert.deepEqual(read(value), {
    big: "12345678901234567890",
    symbol: "Symbol(s)",
    f: "<function named>",
    arrow: ["<function>"],
    Class: "<function Named>",
  });
  assert.equal(toJsonText(1n), '"1"');
});

test("toJsonText writes dates, maps, sets, regular expressions, URLs and boxed values", () => {
  assert.deepEqual(
    read({
      date: new Date(0),
      invalid: new Date(NaN),
      map: new Map<string, unknown>([["b", 1n], ["__proto__", new Map([[1, "x"]])]]),
      set: new Set([1, new Set(["a"])]),
      pattern: /a"\//gi,
      url: new URL("https://example.org/a?b=c"),
      query: new URLSearchParams({ a: "1 2" }),
      boxed: [Object(1), Object("s"), Object(true), Object(1n), Object(Symbol("x"))],
    }),
    JSON.parse(`{
      "date": "1970-01-01T00:00:00.000Z",
      "invalid": null,
      "map": { "b": "1", "__proto__": [[1, "x"]] },
      "set": [1, ["a"]],
      "pattern": "/a\\"\\\\//gi",
      "url": "https://example.org/a?b=c",
      "query": "a=1+2",
      "boxed": [1, "s", true, "1", "Symbol(x)"]
    }`),
  );
});

test("toJsonText loses no byte of binary data", () => {
  const bytes = Uint8Array.from({ length: 20_001 }, (_, i) => (i * 31) & 0xff);
  const back = ({ base64 }: { base64: string }) =>
    Uint8Array.from(atob(base64), (unit) => unit.charCodeAt(0));
  const { whole, part, view, buffer, floats, shared } = read({
    whole: bytes,
    part: bytes.subarray(5, 8),
    view: new DataView(bytes.buffer, 1, 2),
    buffer: bytes.buffer,
    floats: new Float64Array([1.5, NaN]),
    shared: new SharedArrayBuffer(2),
  });
  assert.equal(whole._type, "Uint8Array");
  assert.deepEqual(back(whole), bytes);
  assert.deepEqual(back(part), bytes.slice(5, 8));
  assert.deepEqual([view._type, back(view)], ["DataView", bytes.slice(1, 3)]);
  assert.deepEqual([buffer._type, back(buffer)], ["ArrayBuffer", bytes]);
  assert.equal(floats._type, "Float64Array");
  assert.deepEqual(new Float64Array(back(floats).buffer), new Float64Array([1.5, NaN]));
  assert.deepEqual(shared, { _type: "SharedArrayBuffer", base64: "AAA=" });
});

test("toJsonText encodes only an error's name, message, stack, code, cause and parts", () => {
  const error = Object.assign(new TypeError("outer", { cause: new Error("inner") }), {
    code: "E_X",
    config: { headers: { authorization: "secret" } },
    toJSON: () => ({ secret: true }),
  });
  const { stack, cause, ...rest } = read({ error }).error;
  assert.match(stack, /stringify_test/);
  assert.deepEqual(rest, { name: "TypeError", message: "outer", code: "E_X" });
  assert.equal(cause.message, "inner");
  const many = read(new AggregateError([new Error("one")], "all"));
  assert.equal(many.errors[0].message, "one");
  assert.equal(read(new DOMException("stopped", "AbortError")).name, "AbortError");
});

test("toJsonText describes values that it must not read or show", () => {
  const secret = { authorization: "Bearer secret", "x-id": "1" };
  const form = new FormData();
  form.set("password", "secret");
  const stream = new ReadableStream();
  const text = toJsonText([
    new Headers(secret),
    form,
    new Request("http://example.org/?key=secret", { method: "PUT", headers: secret }),
    new Response("secret", { status: 201, headers: secret }),
    new Blob(["secret"]),
    Promise.resolve("secret"),
    stream,
    new WeakMap(),
    (function* () {})(),
    Readable.from(["secret"]),
  ]);
  assert.ok(!text.includes("secret"));
  assert.deepEqual(JSON.parse(text), [
    "<Headers: authorization, x-id>",
    "<FormData: password>",
    "<Request: PUT>",
    "<Response: 201>",
    "<Blob: 6 bytes, >",
    "<Promise>",
    "<ReadableStream>",
    "<WeakMap>",
    "<Generator>",
    "<Readable>",
  ]);
  assert.equal(stream.locked, false);
});

test("toJsonText writes the own properties of a class instance", () => {
  class Base {
    inherited = 1;
  }
  class Point extends Base {
    x = 1n;
    #hidden = 2;
    get y(): number {
      return this.#hidden;
    }
    move() {}
  }
  assert.deepEqual(read(new Point()), { inherited: 1, x: "1" });
  class Tagged {
    a = 1;
    get [Symbol.toStringTag]() {
      return "Map";
    }
  }
  assert.deepEqual(read(new Tagged()), { a: 1 });
});

test("toJsonText honors toJSON and encodes what it returns", () => {
  const value = {
    money: { toJSON: () => ({ amount: 1n }) },
    map: { toJSON: () => new Map([["k", new Set([1])]]) },
    absent: { toJSON: () => undefined },
    self: {
      a: 1,
      toJSON() {
        return this;
      },
    },
    endless: {
      toJSON() {
        return { again: { ...this } };
      },
    },
  };
  const { endless, ...rest } = read(value);
  assert.deepEqual(rest, {
    money: { amount: "1" },
    map: { k: [1] },
    self: { a: 1, toJSON: "<function toJSON>" },
  });
  assert.ok(JSON.stringify(endless).includes("[Truncated]"));
});

test("toJsonText reports where a toJSON threw and keeps the rest", () => {
  const value = {
    ok: 1,
    json: { toJSON: throwing("json") },
    text: {
      toJSON: () => {
        throw "text";
      },
    },
    other: {
      toJSON: () => {
        throw new Proxy({}, { get: throwing("deeper") });
      },
    },
    last: true,
  };
  assert.deepEqual(read(value), {
    ok: 1,
    json: "<error: json>",
    text: "<error: text>",
    other: "<error>",
    last: true,
  });
});
