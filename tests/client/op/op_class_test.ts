/**
 * Ops of classes and constructors: `new` works as without tracing, and is recorded.
 *
 * @module
 */

import assert from "node:assert/strict";
import { op } from "../../../src/client/op/op.ts";
import { test } from "../../harness.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { exceptionMessage } from "../../support/client/exception_message.ts";

const search = op(function search(text: string) {
  return [text];
});

class Agent {
  static made = 0;
  readonly #secret = "s";
  found: string[];
  constructor(readonly name: string, readonly limit = 1) {
    Agent.made++;
    this.found = search(name);
  }
  static create(name: string): Agent {
    return new this(name);
  }
  secret(): string {
    return this.#secret;
  }
}

test("op class: new creates the instance that the class creates, and is recorded", async () => {
  using fixture = await clientFixture();
  const Traced = op(Agent);
  const before = Agent.made;
  const agent: Agent = new Traced("ada", 2);
  assert.ok(agent instanceof Agent && agent instanceof Traced);
  assert.equal(agent.constructor, Agent);
  assert.deepEqual([agent.secret(), agent.limit, Traced.made], ["s", 2, before + 1]);
  const [call] = fixture.pipeline.callsOf("Agent");
  assert.deepEqual(call.inputs, { arg0: "ada", arg1: 2 });
  assert.deepEqual(call.output, { name: "ada", limit: 2, found: ["ada"] });
  assert.equal(fixture.pipeline.callsOf("search")[0].parent_id, call.id);
  assert.equal(Traced.create("eve").name, "eve");
  assert.equal(fixture.pipeline.callsOf("Agent").length, 2);
  assert.ok(Traced.__isOp);
});

test("op class: a derived class is the class of its instances", async () => {
  using fixture = await clientFixture();
  class Derived extends op(Agent, { name: "base" }) {
    extra = this.name.length;
    override secret(): string {
      return `${super.secret()}!`;
    }
  }
  const derived = new Derived("ada");
  assert.ok(derived instanceof Derived && derived instanceof Agent);
  assert.deepEqual([derived.extra, derived.secret(), derived.constructor], [3, "s!", Derived]);
  assert.deepEqual(fixture.pipeline.callsOf("base")[0].inputs, { arg0: "ada" });
  const Both = op(op(Agent, { name: "inner" }), { name: "outer" });
  assert.equal(new Both("x").constructor, Agent);
  const [outer] = fixture.pipeline.callsOf("outer");
  assert.equal(fixture.pipeline.callsOf("inner")[0].parent_id, outer.id);
});

test("op class: whatever can be constructed is constructed, and nothing else", async () => {
  using fixture = await clientFixture();
  const url = new (op(URL))("https://wandb.ai/a");
  assert.deepEqual([url.host, url instanceof URL], ["wandb.ai", true]);
  assert.deepEqual([...new (op(Map))([[1, 2]])], [[1, 2]]);
  function Point(this: Any, x: number) {
    if (new.target === undefined) return "called";
    this.x = x;
  }
  const TracedPoint = op(Point as Any) as Any;
  assert.deepEqual({ ...new TracedPoint(2) }, { x: 2 });
  assert.equal(TracedPoint(2), "called");
  const proxy = new Proxy(class {}, { construct: (_, args) => ({ args }) });
  assert.deepEqual(new (op(proxy as Any, { name: "proxied" }) as Any)(1), { args: [1] });
  for (const fn of [() => 1, async () => {}, function* () {}, { method() {} }.method]) {
    assert.throws(() => Reflect.construct(op(fn as Any, { name: "f" }), []), TypeError);
  }
  assert.throws(() => (op(Agent) as Any)("ada"), TypeError, "a class is not called");
  const outputs = ["URL", "Map", "Point", "proxied"].map((name) =>
    fixture.pipeline.callsOf(name)[0].output
  );
  assert.deepEqual(outputs, ["https://wandb.ai/a", [[1, 2]], { x: 2 }, { args: [1] }]);
});

test("op class: an error of the constructor reaches the program and the record", async () => {
  using fixture = await clientFixture();
  const error = new Error("no room");
  const Full = op(
    class Full {
      constructor() {
        throw error;
      }
    },
  );
  assert.throws(() => new Full(), (thrown) => thrown === error);
  assert.equal(exceptionMessage(fixture.pipeline.callsOf("Full")[0].exception), "no room");
});

test("op class: without a client it creates instances too", () => {
  class Derived extends op(Agent) {}
  assert.ok(new (op(Agent))("a") instanceof Agent);
  assert.ok(new Derived("b") instanceof Derived);
});

test("op class: an instance that is a stream or a thenable is left alone", async () => {
  using fixture = await clientFixture();
  class Reply {
    then = (): never => {
      throw new Error("Code of the program was run");
    };
    async *[Symbol.asyncIterator]() {
      yield await Promise.resolve(1);
    }
  }
  const reply = new (op(Reply))();
  assert.deepEqual(Reflect.ownKeys(reply), ["then"]);
  assert.equal(fixture.pipeline.of("call_end").length, 1);
});

test("op class: options have the types of the constructor", async () => {
  using fixture = await clientFixture();
  const Named = op(Agent, {
    name: "named",
    parameterNames: ["name", "limit"],
    callDisplayName: (name, limit) => `${name.trim()} ${limit?.toFixed()}`,
    summarize: (agent) => ({ found: agent.found.length }),
  });
  new Named("ada", 3);
  const [call] = fixture.pipeline.callsOf("named");
  assert.deepEqual([call.display_name, call.summary.found], ["ada 3", 1]);
  assert.deepEqual(call.inputs, { name: "ada", limit: 3 });
  const types: [ConstructorParameters<typeof Named>[0], typeof Named.made] = ["ada", 0];
  const isCallable: typeof Named extends (...args: never[]) => unknown ? true : false = false;
  assert.deepEqual([types.length, isCallable], [2, false]);
});
