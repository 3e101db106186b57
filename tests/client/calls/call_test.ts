import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { isOp } from "../../../src/client/op/op_state.ts";
import { op } from "../../../src/client/op/op.ts";
import { setGlobalClient } from "../../../src/client/global_client.ts";
import {
  publish,
  requireCurrentCallStackEntry,
  requireCurrentChildSummary,
  withAttributes,
} from "../../../src/client/init.ts";
import { type Any, clientFixture, type Fixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";
import { exceptionMessage } from "../../support/client/exception_message.ts";

const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

test("op: a synchronous function stays synchronous and is recorded with start and end", async () => {
  using fixture = await clientFixture();
  const add = op(function add(a: number, b: number) {
    return a + b;
  });
  assert.equal(add(1, 2), 3);
  const [{ start }] = fixture.pipeline.of("call_start");
  const [{ end }] = fixture.pipeline.of("call_end");
  assert.match(start.id, UUID7);
  assert.match(start.trace_id, UUID7);
  assert.match(start.started_at, TIME);
  assert.match(start.op_name, /^weave:\/\/\/team\/demo\/op\/add:[0-9A-Za-z]{43}$/);
  assert.deepEqual(start.inputs, { arg0: 1, arg1: 2 });
  assert.deepEqual(Object.keys(start.attributes), ["weave"]);
  assert.equal("parent_id" in start, false);
  assert.equal(end.id, start.id);
  assert.equal(end.trace_id, start.trace_id);
  assert.equal(end.started_at, start.started_at);
  assert.ok(end.ended_at >= start.started_at);
  assert.equal(end.output, 3);
  assert.deepEqual(end.summary, { status_counts: { success: 1, error: 0 } });
  assert.equal("exception" in end, false);
});

test("op: a sender finds the leading fields of starts and ends in their fixed order", async () => {
  using fixture = await clientFixture();
  op(function order() {})();
  const [start, end] = fixture.pipeline.records.slice(-2);
  assert.match(
    start.text,
    /^\{"start":\{"project_id":"team\/demo","id":"[^"]+","trace_id":"[^"]+","op_name":"[^"]+","started_at":"/,
  );
  assert.match(
    end.text,
    /^\{"end":\{"project_id":"team\/demo","id":"[^"]+","trace_id":"[^"]+","started_at":"[^"]+","ended_at":"/,
  );
});

test("op: an asynchronous function gives a promise of its value, and what it throws is thrown", async () => {
  using fixture = await clientFixture();
  const later = op(async function later(text: string) {
    await Promise.resolve();
    if (text === "bad") throw new TypeError("no good");
    return { text };
  });
  const promise = later("good");
  assert.ok(promise instanceof Promise);
  assert.equal(fixture.pipeline.of("call_end").length, 0, "the call runs");
  assert.deepEqual(await promise, { text: "good" });
  await assert.rejects(later("bad"), TypeError);
  const [good, bad] = fixture.pipeline.callsOf("later");
  assert.deepEqual(good.output, { text: "good" });
  assert.equal(bad.output, null);
  assert.equal(exceptionMessage(bad.exception), "no good");
});

test("op: the very error that was thrown reaches the caller, whatever it is", async () => {
  using fixture = await clientFixture();
  const error = new Error("");
  const hostile = Object.defineProperty({}, "toString", {
    get: () => {
      throw new Error("hands off");
    },
  });
  for (const thrown of [error, "text", undefined, null, Object.create(null), hostile]) {
    const fail = op(function fail() {
      throw thrown;
    });
    let caught: unknown = "nothing";
    try {
      fail();
    } catch (what) {
      caught = what;
    }
    assert.ok(Object.is(caught, thrown));
  }
  const texts = fixture.pipeline.callsOf("fail").map(({ exception }) =>
    exceptionMessage(exception)
  );
  const unshown = "An error that cannot be shown";
  assert.deepEqual(texts, ["Error", "text", "undefined", "null", unshown, unshown]);
});

test("op: calls inside a call are its children, in one trace", async () => {
  using fixture = await clientFixture();
  const leaf = op(function leaf(n: number) {
    return n;
  });
  const branch = op(async function branch(n: number) {
    await Promise.resolve();
    return leaf(n);
  });
  const root = op(async function root() {
    leaf(0);
    return await branch(1);
  });
  await root();
  leaf(2);
  const [rootCall] = fixture.pipeline.callsOf("root");
  const [branchCall] = fixture.pipeline.callsOf("branch");
  const leaves = fixture.pipeline.callsOf("leaf");
  assert.equal(branchCall.parent_id, rootCall.id);
  assert.deepEqual(leaves.map(({ parent_id }) => parent_id), [
    rootCall.id,
    branchCall.id,
    undefined,
  ]);
  assert.equal(leaves[1].trace_id, rootCall.trace_id);
  assert.notEqual(leaves[2].trace_id, rootCall.trace_id);
});

test("op: parents are right across Promise.all, timers and microtasks that interleave", async () => {
  using fixture = await clientFixture();
  const leaf = op(function leaf(of: string) {
    return of;
  });
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const worker = op(async function worker(name: string, ms: number) {
    leaf(name);
    await wait(ms);
    leaf(name);
    await new Promise<void>((resolve) => queueMicrotask(() => (leaf(name), resolve())));
    await new Promise<void>((resolve) => setTimeout(() => (leaf(name), resolve()), 1));
    return name;
  });
  const root = op(async function root() {
    await Promise.all([worker("a", 3), worker("b", 1), worker("c", 2)]);
  });
  await root();
  const workers = new Map(
    fixture.pipeline.callsOf("worker").map((call) => [call.id, call.inputs.arg0]),
  );
  const leaves = fixture.pipeline.callsOf("leaf");
  assert.equal(leaves.length, 12);
  for (const call of leaves) assert.equal(workers.get(call.parent_id), call.inputs.arg0);
});

test("op: a running call keeps its client, and what it calls goes there too", async () => {
  using first = await clientFixture();
  const leaf = op(function leaf() {});
  let second: Fixture | undefined;
  await op(async function root() {
    leaf();
    second = await clientFixture({}, { project: "team/other" });
    withAttributes({ a: 1 }, leaf);
    assert.equal((await publish({ n: 1 })).projectId, "team/demo");
    setTimeout(leaf);
  })();
  leaf();
  await new Promise((resolve) => setTimeout(resolve, 1));
  const [root] = first.pipeline.callsOf("root");
  const parents = first.pipeline.callsOf("leaf").map(({ parent_id }) => parent_id);
  assert.deepEqual(parents, [root.id, root.id, root.id]);
  const [other] = second!.pipeline.callsOf("leaf");
  assert.equal("parent_id" in other, false);
  assert.notEqual(other.trace_id, root.trace_id);
  assert.equal((await publish({ n: 2 })).projectId, "team/other");
});

test("op: what a call does after its client was finished goes to the client of the time", async () => {
  using first = await clientFixture();
  const leaf = op(function leaf() {});
  let second: Fixture | undefined;
  await op(async function root() {
    await first.client.finish();
    leaf();
    second = await clientFixture({}, { project: "team/other" });
    leaf();
  })();
  assert.equal(first.pipeline.callsOf("leaf").length, 0);
  const [other] = second!.pipeline.callsOf("leaf");
  assert.equal("parent_id" in other, false, "no record of the other project is its parent");
});

test("op: a listener belongs to the call that emits, as any function that is called", async () => {
  using fixture = await clientFixture();
  const emitter = new EventEmitter();
  const heard = op(function heard(what: string) {
    return what;
  });
  emitter.on("word", heard);
  const speak = op(function speak(word: string) {
    emitter.emit("word", word);
  });
  speak("hello");
  const [speaking] = fixture.pipeline.callsOf("speak");
  assert.equal(fixture.pipeline.callsOf("heard")[0].parent_id, speaking.id);
});

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

test("op: op(object, method) binds the method and is named after the object's class", async () => {
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

test("op: arguments are named by a list, by the first argument's keys, or by position", async () => {
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

test("op: a display name is recorded and cut at 1000 characters; one that throws is left out", async () => {
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

test("op: attributes come from init, withAttributes and the op, the inner ones first", async () => {
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

test("op: attributes hold for what runs later in the function that was given", async () => {
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

test("op: a clock that is set back does not end a call before its start", async () => {
  using fixture = await clientFixture();
  op(function timed() {
    fixture.runtime.time.jump(-60_000);
  })();
  const [call] = fixture.pipeline.callsOf("timed");
  assert.equal(call.ended_at, call.started_at);
});

test("op: source and op object are saved once, before the first call that names them", async () => {
  using fixture = await clientFixture();
  const fn = function twice(n: number) {
    return 2 * n;
  };
  const twice = op(fn);
  twice(1);
  twice(2);
  assert.deepEqual(
    fixture.pipeline.records.map(({ type }) => type),
    ["file_create", "obj_create", "call_start", "call_end", "call_start", "call_end"],
  );
  const [file] = fixture.pipeline.of("file_create");
  const [{ obj }] = fixture.pipeline.of("obj_create");
  assert.deepEqual(file, { project_id: "team/demo", name: "obj.py", content: fn.toString() });
  assert.equal(obj.object_id, "twice");
  assert.deepEqual(Object.keys(obj.val.files), ["obj.py"]);
  assert.equal(obj.val.weave_type.type, "Op");
});

test("op: a method that is made an op for every object is saved once a name", async () => {
  using fixture = await clientFixture();
  class Model {
    run = op(this, this.work);
    work() {}
  }
  new Model().run();
  new Model().run();
  assert.equal(fixture.pipeline.of("file_create").length, 1);
  op(Model.prototype.work, { name: "other" })();
  assert.deepEqual(fixture.pipeline.of("obj_create").map(({ obj }) => obj.object_id), [
    "Model.work",
    "other",
  ]);
});

test("op: a name that the server would refuse is kept for people and cleaned for the ref", async () => {
  using fixture = await clientFixture();
  op(() => {}, { name: "say hello/world: again" })();
  op(() => {}, { name: "openai.chat.completions.create" })();
  const names = fixture.pipeline.calls().map(({ op_name }) =>
    op_name.split("/").pop().split(":")[0]
  );
  assert.deepEqual(names, ["say-hello-world-again", "openai.chat.completions.create"]);
});

test("op: what it is made from can be asked of it", () => {
  function original(_a: number, _b: number) {}
  const made = op(original, { name: "made", parameterNames: ["a", "b"] });
  assert.equal(isOp(made), true);
  assert.equal(isOp(original), false);
  assert.equal(made.__isOp, true);
  assert.equal(made.__name, "made");
  assert.equal(made.__wrappedFunction, original);
  assert.deepEqual(made.__parameterNames, ["a", "b"]);
  assert.equal(made.name, "original");
  assert.equal(made.length, 2);
  assert.throws(() => op(5 as Any), { code: "ERR_INVALID_OPTION" });
});

test("op: invoke gives the call, one a call, also for calls at the same time", async () => {
  using fixture = await clientFixture();
  const slow = op(async function slow(n: number) {
    await Promise.resolve();
    if (n < 0) throw new Error("negative");
    return n * 2;
  }, { callDisplayName: (n) => `slow ${n}` });
  const results = await Promise.all([slow.invoke(1), slow.invoke(2)]);
  const calls = fixture.pipeline.callsOf("slow");
  results.forEach(([result, call], i) => {
    assert.equal(result, (i + 1) * 2);
    assert.equal(call.id, calls[i].id);
    assert.equal(call.display_name, `slow ${i + 1}`);
    assert.deepEqual(call.inputs, { arg0: i + 1 });
    assert.equal(call.output, (i + 1) * 2);
    assert.deepEqual(JSON.parse(JSON.stringify(call)), calls[i]);
  });
  await assert.rejects(slow.invoke(-1), /negative/);
  await results[0][1].setDisplayName("renamed");
  assert.equal(results[0][1].display_name, "renamed");
  assert.deepEqual(fixture.pipeline.of("call_update"), [
    { project_id: "team/demo", call_id: calls[0].id, display_name: "renamed" },
  ]);
});

test("op: without a client, and where tracing is disabled, it is a plain call", async () => {
  setGlobalClient(null);
  const add = op(function add(this: unknown, a: number, b: number) {
    return a + b;
  });
  assert.equal(add(1, 2), 3);
  assert.equal(withAttributes({ a: 1 }, () => add(3, 4)), 7);
  using fixture = await clientFixture({ disabled: true });
  assert.equal(add(5, 6), 11);
  const [result, call] = await add.invoke(1, 1);
  assert.equal(result, 2);
  assert.equal(call.id, undefined);
  await call.setDisplayName("nothing");
  assert.deepEqual(fixture.pipeline.records, []);
  assert.equal(fixture.pipeline.options, undefined, "no pipeline was opened");
});

test("op: the current call can be asked for, and its absence is an error", async () => {
  setGlobalClient(null);
  assert.throws(() => requireCurrentCallStackEntry(), { code: "ERR_NOT_INITIALIZED" });
  using fixture = await clientFixture();
  assert.throws(() => requireCurrentCallStackEntry(), /does not run inside an op/);
  const ask = op(function ask() {
    return requireCurrentCallStackEntry();
  });
  const entry = ask();
  const [call] = fixture.pipeline.callsOf("ask");
  assert.equal(entry.callId, call.id);
  assert.equal(entry.traceId, call.trace_id);
  await clientFixture({ disabled: true });
  assert.deepEqual(requireCurrentChildSummary(), {}, "code that asks runs on");
});

test("op: inputs and outputs that JSON cannot hold neither throw nor lose the record", async () => {
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

test("op: the arguments are recorded as they are when the call begins", async () => {
  using fixture = await clientFixture();
  const list = [1];
  op(function change(items: number[]) {
    items.push(2);
    return items;
  })(list);
  const [call] = fixture.pipeline.callsOf("change");
  assert.deepEqual([call.inputs.arg0, call.output], [[1], [1, 2]]);
});

test("op: a pipeline that fails does not reach the function", async () => {
  using fixture = await clientFixture();
  fixture.pipeline.append = () => {
    throw new Error("the log is broken");
  };
  const add = op(function add(a: number, b: number) {
    return a + b;
  });
  assert.equal(add(1, 2), 3);
  assert.equal(await op(async (n: number) => await n)(4), 4);
  assert.match(fixture.warned.join(), /Cannot trace a call of add: the log is broken/);
  assert.equal(fixture.warned.length, 1, "it is logged once");
});

test("op: a call says on which runtime and system it ran, under the Python SDK's names", async () => {
  using fixture = await clientFixture();
  op(() => 1, { name: "anywhere" })();
  const { weave } = fixture.pipeline.callsOf("anywhere")[0].attributes as Record<
    string,
    Record<string, unknown>
  >;
  const { system } = fixture.runtime.process;
  assert.deepEqual(Object.keys(weave).slice(0, 3), ["client_version", "source", "sys_version"]);
  assert.equal(weave.sys_version, system.runtime);
  assert.equal(weave.os_name, system.osName);
  assert.equal(weave.os_release, system.osRelease);
  assert.equal("os_name" in weave, system.osName !== undefined, "left out where it is unknown");
});
