import assert from "node:assert/strict";
import { isOp } from "../../../src/client/op/op_state.ts";
import { op } from "../../../src/client/op/op.ts";
import { setGlobalClient } from "../../../src/client/global_client.ts";
import {
  requireCurrentCallStackEntry,
  requireCurrentChildSummary,
  withAttributes,
} from "../../../src/client/init.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
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

test("op: a sender locates the leading fields of starts and ends in their fixed order", async () => {
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

test("op: an asynchronous function returns a promise of its value, and its errors are thrown", async () => {
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

test("op: the original error reaches the caller, whatever it is", async () => {
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

test("op: a clock that is set back cannot end a call before its start", async () => {
  using fixture = await clientFixture();
  op(function timed() {
    fixture.runtime.time.jump(-60_000);
  })();
  const [call] = fixture.pipeline.callsOf("timed");
  assert.equal(call.ended_at, call.started_at);
});

test("op: source and op object are saved once, before the first call that refers to them", async () => {
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

test("op: a method that becomes an op for every object is saved once per name", async () => {
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

test("op: a name that the server would reject is kept for display and sanitized for the ref", async () => {
  using fixture = await clientFixture();
  op(() => {}, { name: "say hello/world: again" })();
  op(() => {}, { name: "openai.chat.completions.create" })();
  const names = fixture.pipeline.calls().map(({ op_name }) =>
    op_name.split("/").pop().split(":")[0]
  );
  assert.deepEqual(names, ["say-hello-world-again", "openai.chat.completions.create"]);
});

test("op: the wrapped function can be retrieved", () => {
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

test("op: invoke returns a separate call for each invocation, including concurrent ones", async () => {
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

test("op: without a client, or with tracing disabled, it is a plain call", async () => {
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

test("op: the current call is available, and its absence is an error", async () => {
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

test("op: a failing pipeline does not affect the function", async () => {
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

test("op: a call records its runtime and system, under the Python SDK's names", async () => {
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
