/**
 * Behavior of ops, attributes and calls that the official SDK's own tests specify.
 *
 * @module
 */

import assert from "node:assert/strict";
import { requireCurrentCallStackEntry, withAttributes } from "../../../src/client/init.ts";
import { op } from "../../../src/client/op/op.ts";
import type { Op } from "../../../src/client/op/op_types.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

/** Yields to the event loop so that other calls can interleave. */
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, Math.random() * 5));

test("official: attributes apply to parents and children, inner ones override outer and global ones", async () => {
  using fixture = await clientFixture({ globalAttributes: { tenant: "acme", base: "global" } });
  const leaf = op(async function leaf() {
    await turn();
  });
  const parent = op(async function parent() {
    await leaf();
    await withAttributes({ scope: "inner", base: "child" }, async () => await leaf());
  });
  await withAttributes({ request: "r-1", scope: "outer" }, async () => await parent());
  const own = ({ attributes: { weave: _, ...rest } }: Any) => rest;
  const outer = { tenant: "acme", base: "global", request: "r-1", scope: "outer" };
  assert.deepEqual(fixture.pipeline.callsOf("parent").map(own), [outer]);
  assert.deepEqual(fixture.pipeline.callsOf("leaf").map(own), [
    outer,
    { ...outer, scope: "inner", base: "child" },
  ]);
});

test("official: nested calls, sequential and concurrent, form complete trees in time order", async () => {
  using fixture = await clientFixture();
  const inner = op(async (x: number) => {
    await turn();
    return x * 2;
  }, { name: "inner" });
  const outer = op(async (x: number) => await inner(await inner(x)), { name: "outer" });
  assert.deepEqual([await outer(5), await outer(10)], [20, 40]);
  assert.deepEqual(await Promise.all([outer(1), outer(2), outer(3)]), [4, 8, 12]);
  const roots = fixture.pipeline.callsOf("outer");
  const leaves = fixture.pipeline.callsOf("inner");
  assert.deepEqual(roots.map(({ inputs, output }) => [inputs, output]), [
    ...[[5, 20], [10, 40], [1, 4], [2, 8], [3, 12]].map(([arg0, output]) => [{ arg0 }, output]),
  ]);
  assert.equal(leaves.length, 10);
  for (const root of roots) {
    const own = leaves.filter(({ parent_id }) => parent_id === root.id);
    assert.equal(own.length, 2);
    for (const leaf of own) {
      assert.equal(leaf.trace_id, root.trace_id);
      assert.ok(root.started_at <= leaf.started_at && leaf.ended_at <= root.ended_at);
    }
  }
});

test("official: summaries of calls add up through the tree, each including its descendants", async () => {
  using fixture = await clientFixture();
  const counted = (name: string) => ({
    name,
    summarize: (sum: number) => ({ [name]: { count: 1, sum } }),
  });
  const leaf = op((x: number) => x, counted("leaf"));
  const middle = op(
    async (x: number, y: number) => (await Promise.all([leaf(x), leaf(y)])).reduce((a, b) => a + b),
    counted("middle"),
  );
  const root = op(
    async (a: number, b: number, c: number) => await middle(a, b) + leaf(c),
    counted("root"),
  );
  assert.equal(await root(1, 2, 3), 6);
  const summaries = fixture.pipeline.calls().map(({ op_name, summary }) => {
    const { status_counts: _, ...rest } = summary;
    return [/\/op\/(\w+):/.exec(op_name)![1], rest];
  });
  assert.deepEqual(summaries.filter(([name]) => name !== "leaf"), [
    ["root", {
      leaf: { count: 3, sum: 6 },
      middle: { count: 1, sum: 3 },
      root: { count: 1, sum: 6 },
    }],
    ["middle", { leaf: { count: 2, sum: 3 }, middle: { count: 1, sum: 3 } }],
  ]);
  const leaves = fixture.pipeline.callsOf("leaf").map(({ summary }) => summary.leaf);
  assert.deepEqual(leaves, [1, 2, 3].map((sum) => ({ count: 1, sum })));
});

test("official: an op of a method is named after its class, bound, and can be replaced", async () => {
  using _ = await clientFixture();
  class Base {
    protected readonly ask = async (text: string) => await Promise.resolve(text);
    async invoke(prompt: string): Promise<string> {
      return await this.ask(prompt);
    }
  }
  class Derived extends Base {
    declare invoke: Op<(prompt: string) => Promise<string>>;
    constructor() {
      super();
      this.invoke = op(this, super.invoke);
    }
  }
  class Own {
    readonly factor = 10;
    constructor() {
      this.times = op(this, this.times);
    }
    times(n: number): number {
      return this.factor * n;
    }
  }
  const derived = new Derived();
  assert.equal(await derived.invoke("text"), "text");
  const { __isOp, __name, __boundThis, __wrappedFunction } = derived.invoke;
  assert.deepEqual([__isOp, __name, __boundThis === derived], [true, "Derived.invoke", true]);
  assert.equal(typeof __wrappedFunction, "function");
  const own = new Own();
  assert.equal(own.times(3), 30);
  assert.equal((own.times as Any).__name, "Own.times");
  own.times = op(own, (n: number) => n + 1);
  assert.equal(own.times(3), 4);
});

test("official: an op of a function has its name, one without a name is anonymous", async () => {
  using _ = await clientFixture();
  assert.equal(op(function standalone() {}).__name, "standalone");
  assert.equal(op(async () => {}).__name, "anonymous");
});

test("official: invoke of functions and decorated methods gives the result and the call", async () => {
  using fixture = await clientFixture();
  const answer = op(async function answer() {
    return await Promise.resolve(42);
  }, { callDisplayName: () => "shown" });
  const [result, call] = await answer.invoke();
  const [recorded] = fixture.pipeline.callsOf("answer");
  assert.equal(result, 42);
  assert.deepEqual(
    [call.id, call.op_name, call.display_name, call.project_id],
    [recorded.id, recorded.op_name, "shown", "team/demo"],
  );
  await call.setDisplayName("renamed");
  const [update] = fixture.pipeline.of("call_update");
  assert.deepEqual([update.call_id, update.display_name], [recorded.id, "renamed"]);
});

test("official: a call that was read can be renamed through its handle", async () => {
  using fixture = await clientFixture({}, {
    answer: () => new Response(`${JSON.stringify({ id: "c-1", project_id: "team/demo" })}\n`),
  });
  const call = await fixture.client.getCall("c-1");
  assert.equal(call.id, "c-1");
  await call.setDisplayName("renamed");
  const [update] = fixture.pipeline.of("call_update");
  assert.deepEqual([update.call_id, update.display_name], ["c-1", "renamed"]);
});

test("official: concurrent streams are reduced separately", async () => {
  using fixture = await clientFixture();
  const numbers = op(async function* numbers(id: string, values: number[]) {
    for (const value of values) {
      await turn();
      yield { id, value };
    }
  }, {
    streamReducer: {
      initialStateFn: () => ({ id: "", sum: 0 }),
      reduceFn: ({ sum }, { id, value }) => ({ id, sum: sum + value }),
      finalizeFn: () => {},
    },
  });
  const cases: Record<string, number[]> = { a: [1, 2, 3], b: [10, 20, 30], c: [100], d: [] };
  await Promise.all(
    Object.entries(cases).map(async ([id, values]) => {
      const seen = [];
      for await (const chunk of numbers(id, values)) seen.push(chunk);
      assert.deepEqual(seen, values.map((value) => ({ id, value })));
    }),
  );
  assert.deepEqual(
    fixture.pipeline.callsOf("numbers").map(({ output }) => [output.id, output.sum]),
    [["a", 6], ["b", 60], ["c", 100], ["", 0]],
  );
});

test("official: an end contains the trace of its start, and an error is recorded and thrown", async () => {
  using fixture = await clientFixture();
  const error = new Error("Test error");
  const failing = op(async function failing() {
    await turn();
    throw error;
  });
  await assert.rejects(failing(), (thrown) => thrown === error);
  const [{ start }] = fixture.pipeline.of("call_start");
  const [{ end }] = fixture.pipeline.of("call_end");
  assert.equal(end.id, start.id);
  assert.equal(end.trace_id ?? start.trace_id, start.trace_id);
  assert.match(end.exception, /Test error/);
  assert.throws(() => requireCurrentCallStackEntry(), Error, "no call is left open");
});
