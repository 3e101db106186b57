import assert from "node:assert/strict";
import { promisify } from "node:util";
import { op } from "../../../src/client/op/op.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

test("op function: it has the properties of its function, and shares what is set on either", async () => {
  using _fixture = await clientFixture();
  const mark = Symbol("mark");
  const answer: Any = Object.assign(function answer(): number {
    return ++(answer as Any).calls;
  }, { calls: 0, defaults: { limit: 2 }, [mark]: true, describe: () => "described" });
  const traced: Any = op(answer);
  assert.deepEqual(Object.keys(traced), Object.keys(answer));
  assert.equal(traced.defaults, answer.defaults);
  assert.equal(traced[mark], true);
  assert.equal(traced.describe(), "described");
  traced();
  assert.equal(traced.calls, 1);
  traced.calls = 10;
  assert.equal(traced(), 11);
  assert.equal(answer.calls, 11);
  const { length, name } = traced;
  assert.deepEqual([length, name, traced.__isOp], [0, "answer", true]);
});

test("op function: getters, read-only and hidden properties are preserved", () => {
  let runs = 0;
  const fn: Any = Object.defineProperties(() => 1, {
    lazy: { get: () => ++runs, enumerable: true, configurable: true },
    fixed: { value: 7 },
    [promisify.custom]: { value: () => "promisified", configurable: true },
  });
  const traced: Any = op(fn);
  assert.equal(runs, 0);
  assert.equal(traced.lazy, 1);
  assert.throws(() => {
    "use strict";
    traced.fixed = 8;
  }, TypeError);
  assert.equal(traced.fixed, 7);
  assert.deepEqual(Object.keys(traced), ["lazy"]);
  assert.equal(traced[promisify.custom](), "promisified");
  const frozen = op(Object.freeze(Object.assign(() => 2, { kept: 1 })));
  assert.deepEqual([frozen(), frozen.kept], [2, 1]);
});

test("op function: it has the kind and the class of its function", async () => {
  using _fixture = await clientFixture();
  const kind = (fn: unknown) => Object.prototype.toString.call(fn);
  const functions = [() => 1, async () => await 1, function* () {}, async function* () {}];
  for (const fn of functions) assert.equal(kind(op(fn, { name: "f" })), kind(fn));
  class Callable extends Function {
    extra(): string {
      return "extra";
    }
  }
  const callable = Object.setPrototypeOf(() => "called", Callable.prototype);
  const traced = op(callable) as Any;
  assert.deepEqual([traced(), traced.extra(), traced instanceof Callable], [
    "called",
    "extra",
    true,
  ]);
  function Point(this: Any, x: number) {
    this.x = x;
  }
  Point.prototype.double = function (this: Any) {
    return this.x * 2;
  };
  const Traced = op(Point as Any) as Any;
  const point = new Traced(2);
  assert.deepEqual([point.double(), point instanceof (Point as Any)], [4, true]);
});

test("op function: ops can wrap ops and functions that are proxies", async () => {
  using fixture = await clientFixture();
  const inner = op(Object.assign(function inner(n: number) {
    return n;
  }, { kept: 1 }));
  const outer = op(inner, { name: "outer" });
  assert.deepEqual([outer(2), outer.kept, outer.__name, inner.__name], [2, 1, "outer", "inner"]);
  const [{ id }] = fixture.pipeline.callsOf("outer");
  assert.equal(fixture.pipeline.callsOf("inner")[0].parent_id, id);
  const never = () => {
    throw new Error("Code of the program was run");
  };
  const proxy = new Proxy((n: number) => n, {
    apply: (target, self, args) => Reflect.apply(target, self, args) + 1,
    ownKeys: never,
    getPrototypeOf: never,
    get: never,
    getOwnPropertyDescriptor: never,
  });
  assert.equal(op(proxy, { name: "proxied" })(1), 2);
  assert.equal(fixture.pipeline.callsOf("proxied")[0].output, 2);
});
