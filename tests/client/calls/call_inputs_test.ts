import assert from "node:assert/strict";
import { op } from "../../../src/client/op/op.ts";
import { setGlobalClient } from "../../../src/client/global_client.ts";
import { withAttributes } from "../../../src/client/init.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

test("op: `this` is passed on, and recorded as self only where the op is a method", async () => {
  using fixture = await clientFixture();
  const counter = {
    step: 2,
    plain: op(function plain(this: { step: number }, n: number) {
      return n + this.step;
    }),
    adopting: op(function adopting(this: { step: number }, n: number) {
      return n + this.step;
    }, { shouldAdoptThis: true }),
  };
  assert.equal(counter.plain(1), 3);
  assert.equal(counter.adopting(1), 3);
  assert.deepEqual(fixture.pipeline.callsOf("plain")[0].inputs, { arg0: 1 });
  const { inputs } = fixture.pipeline.callsOf("adopting")[0];
  assert.equal(inputs.arg0, 1);
  assert.equal(inputs.self.step, 2);
});

test("op: an array, a text or nothing as `this` is not recorded as self", async () => {
  using fixture = await clientFixture();
  const size = op(function size(this: unknown, n: number) {
    return n;
  }, { shouldAdoptThis: true });
  for (const self of [[1, 2], "text", undefined]) size.call(self, 1);
  assert.deepEqual(fixture.pipeline.callsOf("size").map(({ inputs }) => inputs), [
    { arg0: 1 },
    { arg0: 1 },
    { arg0: 1 },
  ]);
});

test("op: op(object, method) binds the method and uses the object's class in the name", async () => {
  using fixture = await clientFixture();
  class Greeter {
    greeting = "Hello";
    greet(name: string) {
      return `${this.greeting} ${name}`;
    }
  }
  const greeter = new Greeter();
  const greet = op(greeter, greeter.greet, { parameterNames: ["name"] });
  assert.equal(greet("Ada"), "Hello Ada");
  const [call] = fixture.pipeline.callsOf("Greeter.greet");
  assert.deepEqual(call.inputs, { self: { greeting: "Hello" }, name: "Ada" });
});

test("op: arguments are named after a list, the first argument's keys, or their position", async () => {
  using fixture = await clientFixture();
  const fn = (..._args: unknown[]) => {};
  op(fn, { name: "list", parameterNames: ["a", "b"] })(1, 2, 3);
  op(fn, { name: "object", parameterNames: "useParam0Object" })({ x: 1, y: [2] }, 9);
  op(fn, { name: "nothing", parameterNames: "useParam0Object" })();
  op(fn, { name: "position" })("p", undefined, null);
  const inputs = (name: string) => fixture.pipeline.callsOf(name)[0].inputs;
  assert.deepEqual(inputs("list"), { a: 1, b: 2, arg2: 3 });
  assert.deepEqual(inputs("object"), { x: 1, y: [2] });
  assert.deepEqual(inputs("nothing"), {});
  assert.deepEqual(inputs("position"), { arg0: "p", arg2: null });
});

test("op: a display name is recorded and truncated at 1000 characters; one that throws is omitted", async () => {
  using fixture = await clientFixture();
  const named = op(function named(n: number) {
    return n;
  }, {
    callDisplayName: (n) => {
      if (n === 2) throw new Error("no name");
      return n === 1 ? "é".repeat(2000) : `call ${n}`;
    },
  });
  assert.deepEqual([named(0), named(1), named(2)], [0, 1, 2]);
  const names = fixture.pipeline.callsOf("named").map(({ display_name }) => display_name);
  assert.equal(names[0], "call 0");
  assert.equal(names[1], "é".repeat(997) + "...");
  assert.equal(names[2], undefined);
  assert.match(fixture.warned.join(), /Cannot name a call of named: no name/);
});

test("op: attributes come from init, withAttributes and the op, with the innermost last", async () => {
  using fixture = await clientFixture({ globalAttributes: { env: "test", tier: 1 } });
  const plain = op(function plain() {});
  const own = op(function own() {}, { attributes: { tier: 4, op: true } });
  plain();
  withAttributes({ tier: 2, request: "r" }, () => {
    plain();
    withAttributes({ tier: 3 }, () => (plain(), own()));
  });
  plain();
  const strip = ({ attributes: { weave: _, ...rest } }: Any) => rest;
  assert.deepEqual(fixture.pipeline.callsOf("plain").map(strip), [
    { env: "test", tier: 1 },
    { env: "test", tier: 2, request: "r" },
    { env: "test", tier: 3, request: "r" },
    { env: "test", tier: 1 },
  ]);
  assert.deepEqual(fixture.pipeline.callsOf("own").map(strip), [
    { env: "test", tier: 4, request: "r", op: true },
  ]);
});

test("op: attributes apply to code that the given function runs later", async () => {
  using fixture = await clientFixture();
  const plain = op(function plain() {});
  await withAttributes({ request: "r" }, async () => {
    await Promise.resolve();
    plain();
  });
  assert.equal(fixture.pipeline.callsOf("plain")[0].attributes.request, "r");
});

test("op: attributes of a scope are those of the client that records the call", async () => {
  using first = await clientFixture({ globalAttributes: { of: "first" } });
  const second = await clientFixture({ globalAttributes: { of: "second" } });
  const plain = op(function plain() {});
  withAttributes({ request: "r" }, () => {
    plain();
    setGlobalClient(first.client);
    plain();
  });
  const strip = ({ attributes: { weave: _, ...rest } }: Any) => rest;
  assert.deepEqual(second.pipeline.callsOf("plain").map(strip), [{ of: "second", request: "r" }]);
  assert.deepEqual(first.pipeline.callsOf("plain").map(strip), [{ of: "first", request: "r" }]);
});

test("op: values that JSON cannot represent neither throw nor lose the record", async () => {
  using fixture = await clientFixture();
  const cycle: Record<string, unknown> = { name: "loop" };
  cycle.self = cycle;
  const hostile = {
    get bad() {
      throw new Error("no");
    },
  };
  const proxy = new Proxy({}, {
    ownKeys: () => {
      throw new Error("hidden");
    },
  });
  const echo = op((value: unknown) => value, { name: "echo" });
  const values = [
    10n,
    cycle,
    () => 1,
    new Date(0),
    new Map([["a", 1]]),
    hostile,
    Symbol("s"),
    proxy,
  ];
  for (const value of values) assert.ok(Object.is(echo(value), value));
  const calls = fixture.pipeline.callsOf("echo");
  assert.equal(calls.length, values.length);
  assert.equal(calls[0].output, "10");
  assert.equal(calls[1].output.self, "[Circular]");
  assert.equal(calls[3].inputs.arg0, "1970-01-01T00:00:00.000Z");
  for (const call of calls) assert.ok(call.ended_at, JSON.stringify(call));
  const spread = op((value: unknown) => value, {
    name: "spread",
    parameterNames: "useParam0Object",
  });
  assert.ok(Object.is(spread(proxy), proxy));
});

test("op: the arguments are recorded as of the beginning of the call", async () => {
  using fixture = await clientFixture();
  const list = [1];
  op(function change(items: number[]) {
    items.push(2);
    return items;
  })(list);
  const [call] = fixture.pipeline.callsOf("change");
  assert.deepEqual([call.inputs.arg0, call.output], [[1], [1, 2]]);
});
