import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { op } from "../../../src/client/op/op.ts";
import { publish, withAttributes } from "../../../src/client/init.ts";
import { clientFixture, type Fixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

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

test("op: parents are correct across Promise.all, timers and interleaved microtasks", async () => {
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

test("op: a running call and its children stay with its client", async () => {
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

test("op: nested calls after the end of their client go to the current client", async () => {
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

test("op: a listener runs in the call that emits the event, like any called function", async () => {
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
