import assert from "node:assert/strict";
import { op } from "../../../src/client/op/op.ts";
import type { MethodDecoratorContext } from "../../../src/client/op/op_types.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

/** Applies decorators as TypeScript compiles them under `experimentalDecorators`. */
function legacy(target: object, key: string, decorate: Any): void {
  const descriptor = Object.getOwnPropertyDescriptor(target, key)!;
  Object.defineProperty(target, key, decorate(target, key, descriptor) ?? descriptor);
}

/**
 * Applies a standard decorator; returns the initializer that runs when the class is
 * constructed.
 */
function standard(target: Any, key: string, decorate: Any): (instance: unknown) => void {
  const initializers: ((this: unknown) => void)[] = [];
  const context: MethodDecoratorContext = {
    kind: "method",
    name: key,
    static: typeof target === "function",
    addInitializer: (initializer) => void initializers.push(initializer),
  };
  target[key] = decorate(target[key], context) ?? target[key];
  const initialize = (instance: unknown) => initializers.forEach((run) => run.call(instance));
  if (context.static) initialize(target);
  return initialize;
}

test("decorator: legacy decorators name methods Class.method and record self", async () => {
  using fixture = await clientFixture();
  class Model {
    bias = 1;
    predict(x: number) {
      return x + this.bias;
    }
    static load(name: string) {
      return `${name}!`;
    }
    async named(x: number) {
      return await Promise.resolve(x);
    }
  }
  legacy(Model.prototype, "predict", op);
  legacy(Model, "load", op);
  legacy(Model.prototype, "named", op({ name: "custom", parameterNames: ["x"] }));
  assert.equal(new Model().predict(2), 3);
  assert.equal(Model.load("m"), "m!");
  assert.equal(await new Model().named(4), 4);
  assert.deepEqual(fixture.pipeline.callsOf("Model.predict")[0].inputs, {
    self: { bias: 1 },
    arg0: 2,
  });
  assert.deepEqual(fixture.pipeline.callsOf("Model.load")[0].inputs, { arg0: "m" });
  assert.deepEqual(fixture.pipeline.callsOf("custom")[0].inputs, { self: { bias: 1 }, x: 4 });
});

test("decorator: standard decorators name methods after the class that defines them", async () => {
  using fixture = await clientFixture();
  const initializers: ((instance: unknown) => void)[] = [];
  class Base {
    constructor() {
      for (const initialize of initializers) initialize(this);
    }
    run(x: number) {
      return x * 2;
    }
    tagged() {
      return "tagged";
    }
    static make(x: number) {
      return x;
    }
  }
  class Derived extends Base {}
  initializers.push(standard(Base.prototype, "run", op));
  initializers.push(standard(Base.prototype, "tagged", op({ name: "tag" })));
  standard(Base, "make", op);
  assert.equal(new Derived().run(2), 4);
  Object.defineProperty(Base, "name", { value: "Renamed" });
  assert.equal(new Base().run(3), 6);
  assert.equal((Base.prototype.run as Any).__name, "Base.run");
  assert.equal(new Base().tagged(), "tagged");
  assert.equal(Base.make(5), 5);
  assert.equal(fixture.pipeline.callsOf("Base.run").length, 2);
  assert.equal(fixture.pipeline.callsOf("tag").length, 1);
  assert.equal(fixture.pipeline.callsOf("Base.make").length, 1);
});

test("decorator: a proxy in place of an instance is not touched, and hides the class", async () => {
  using fixture = await clientFixture();
  let traps = 0;
  const handler = new Proxy({}, { get: () => (traps++, undefined) });
  class Hidden {
    run(x: number) {
      return x;
    }
  }
  const initialize = standard(Hidden.prototype, "run", op);
  initialize(new Proxy(new Hidden(), handler));
  initialize(new Hidden());
  assert.equal(traps, 0);
  assert.equal(new Hidden().run(1), 1);
  assert.equal(fixture.pipeline.callsOf("run").length, 1);
  for (const target of [new Proxy(new Hidden(), handler), Object.create(null)]) {
    assert.equal(op(target, function bound() {} as Any).__name, "bound");
  }
  assert.equal(traps, 0);
});

test("decorator: only methods are accepted", () => {
  class Thing {
    value = 1;
    get size() {
      return 1;
    }
  }
  assert.throws(() => legacy(Thing.prototype, "size", op), /methods only/);
  assert.throws(
    () => op(() => 1, { kind: "field", name: "value" }),
    { code: "ERR_INVALID_OPTION", message: /Cannot decorate a field/ },
  );
  assert.throws(() => (op({}) as Any)(1), { code: "ERR_INVALID_OPTION" });
});
