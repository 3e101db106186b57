import assert from "node:assert/strict";
import { runInNewContext } from "node:vm";
import { exceptionText } from "../../../src/client/calls/exception.ts";
import { op } from "../../../src/client/op/op.ts";
import { test } from "../../harness.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";

interface Frame {
  filename: string;
  line_number: number;
  function_name: string;
  text: string;
}

interface Exception {
  type: string;
  message: string;
  traceback: Frame[];
}

function read(error: unknown): Exception {
  return JSON.parse(exceptionText(error)) as Exception;
}

function thrownIn(name: string): unknown {
  const place = {
    [name]: () => {
      throw new RangeError("too far");
    },
  };
  try {
    place[name]();
  } catch (error) {
    return error;
  }
}

test("exception: what an op throws is recorded with type, message and stack", async () => {
  using fixture = await clientFixture();
  const failing = op(function failing() {
    throw new TypeError("on purpose");
  });
  assert.throws(failing);
  const { type, message, traceback } = JSON.parse(
    fixture.pipeline.callsOf("failing")[0].exception as string,
  ) as Exception;
  assert.equal(type, "TypeError");
  assert.equal(message, "on purpose");
  const own = traceback.filter(({ filename }) => filename.endsWith("exception_test.ts"));
  assert.ok(own.length > 0, JSON.stringify(traceback));
  assert.match(own.at(-1)!.filename, /^\//, "a path, not a URL");
  assert.ok(own.at(-1)!.line_number > 0);
});

test("exception: the innermost frame is the last one, as in Python", () => {
  const { traceback } = read(thrownIn("innermost"));
  assert.match(traceback.at(-1)!.function_name, /innermost/);
  assert.match(traceback.at(-2)!.function_name, /thrownIn/);
  for (const frame of traceback) {
    assert.deepEqual(Object.keys(frame), ["filename", "line_number", "function_name", "text"]);
  }
});

test("exception: the type is the error's name, or its class where it has taken none", () => {
  class Refused extends Error {}
  class Named extends Error {
    override name = "OwnName";
  }
  assert.equal(read(new Refused("x")).type, "Refused");
  assert.equal(read(new Named("x")).type, "OwnName");
  assert.equal(read(new Error("x")).type, "Error");
  assert.equal(read(new DOMException("x", "AbortError")).type, "AbortError");
});

test("exception: a value that is not an error has its type and its text, and no stack", () => {
  const cases: [unknown, string, string][] = [
    ["text", "string", "text"],
    [7, "number", "7"],
    [null, "null", "null"],
    [undefined, "undefined", "undefined"],
    [{ toString: () => "as text" }, "object", "as text"],
  ];
  for (const [error, type, message] of cases) {
    assert.deepEqual(read(error), { type, message, traceback: [] });
  }
});

test("exception: lines of a message are not mistaken for frames", () => {
  const error = new Error("first\n    at fake (file:///fake.ts:1:1)\nlast");
  assert.ok(!read(error).traceback.some(({ function_name }) => function_name === "fake"));
});

test("exception: a stack getter of the program is not run, and a broken error causes no failure", () => {
  let runs = 0;
  const guarded = Object.defineProperty(new Error("kept"), "stack", { get: () => ++runs });
  assert.deepEqual(read(guarded), { type: "Error", message: "kept", traceback: [] });
  assert.equal(runs, 0);
  const broken = new Proxy(new Error("x"), {
    get: () => {
      throw new Error("no");
    },
    getOwnPropertyDescriptor: () => {
      throw new Error("no");
    },
  });
  assert.deepEqual(read(broken), {
    type: "Error",
    message: "An error that cannot be shown",
    traceback: [],
  });
});

test("exception: an error of another realm has its stack, and no getter of the program is run", () => {
  // A test runner runs programs in another realm than that of the runtime's own modules.
  const made = [
    "new Error('far')",
    "new RangeError('far')",
    "new AggregateError([], 'far')",
    "new (class Own extends TypeError {})('far')",
    "Object.assign(new Error('far'), { code: 'ENOENT' })",
  ];
  for (const code of made) {
    const error = runInNewContext(`(function innermost() { return ${code}; })()`);
    const { message, traceback } = read(error);
    assert.equal(message, "far", code);
    assert.ok(traceback.some(({ function_name }) => function_name === "innermost"), code);
  }
  let runs = 0;
  const context = { get: (() => ++runs).bind(null) };
  for (
    const code of [
      "Object.defineProperty(new Error('kept'), 'stack', { get })",
      "Object.setPrototypeOf(new Error('kept'), { constructor: get, get stack() { return get(); } })",
      "Object.defineProperty(new (class Error extends globalThis.Error {})('kept'), 'stack', { get })",
    ]
  ) {
    exceptionText(runInNewContext(code, context));
    assert.equal(runs, 0, code);
  }
});

test("exception: a deep stack keeps the frames closest to the throw", () => {
  const error = new Error("deep");
  const frames = Array.from(
    { length: 500 },
    (_, n) => `    at f${n} (file:///a%20b.ts:${n + 1}:1)`,
  );
  error.stack = `Error: deep\n${frames.join("\n")}`;
  const { traceback } = read(error);
  assert.equal(traceback.length, 100);
  assert.deepEqual(traceback.at(-1), {
    filename: "/a b.ts",
    line_number: 1,
    function_name: "f0",
    text: "",
  });
});

test("exception: frames of every format are parsed", () => {
  const error = new Error("kinds");
  error.stack = [
    "Error: kinds",
    "    at async Promise.all (index 0)",
    "    at new Thing (/x/thing.js:3:4)",
    "    at Array.map (<anonymous>)",
    "    at /x/top.js:9:1",
    "    at async https://x.test/mod.ts:12:3",
    "    at C:\\x\\y.js:7:2",
  ].join("\n");
  const kinds = read(error).traceback.reverse().map(({ filename, line_number, function_name }) =>
    `${function_name} ${filename} ${line_number}`
  );
  assert.deepEqual(kinds, [
    "Promise.all index 0 0",
    "new Thing /x/thing.js 3",
    "Array.map <anonymous> 0",
    "<anonymous> /x/top.js 9",
    "<anonymous> https://x.test/mod.ts 12",
    "<anonymous> C:\\x\\y.js 7",
  ]);
});
