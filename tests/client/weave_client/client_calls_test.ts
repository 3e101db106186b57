import assert from "node:assert/strict";
import { op } from "../../../src/client/op/op.ts";
import { requireCurrentCallStackEntry } from "../../../src/client/init.ts";
import { runUntraced } from "../../../src/client/calls/call_stack.ts";
import { both, sorted } from "../../support/client/compare_fixture.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

test(
  "client: call stack, attributes and calls of integrations are the official SDK's",
  async () => {
    const { official, own } = await both("client_calls_program.mjs");
    const { exported: names, ...report } = official.report;
    const { exported, ...ownReport } = own.report;
    assert.deepEqual(ownReport, report);
    const missing = (names as string[]).filter((name) => !(exported as string[]).includes(name));
    // How CommonJS modules appear to an import.
    assert.deepEqual(
      missing.filter((name) => !["__esModule", "module.exports", "default"].includes(name)),
      [],
    );
    assert.deepEqual(sorted(own.calls), sorted(official.calls));
    assert.deepEqual(own.objects, official.objects);
  },
  { timeout: 90_000 },
);

test("client: a pushed stack shows its calls to code that runs with it", async () => {
  using fixture = await clientFixture();
  const { client } = fixture;
  const inner = op(() => client.getCallStack().peek()!.callId, { name: "inner" });
  op(() => {
    const first = client.pushNewCall();
    const second = first.newStack.pushNewCall();
    client.runWithCallStack(second.newStack, () => {
      assert.equal(client.getCallStack().peek(), second.currentCall);
      const { newStack } = client.pushNewCall();
      assert.equal(newStack.peek()?.traceId, requireCurrentCallStackEntry().traceId);
      inner();
    });
  }, { name: "outer" })();
  const [outer] = fixture.pipeline.callsOf("outer");
  const [call] = fixture.pipeline.callsOf("inner");
  assert.equal(call.output, call.id);
  assert.equal(call.trace_id, outer.trace_id);
  assert.notEqual(call.parent_id, outer.id);
});

test("client: calls of steps count how they and their children ended", async () => {
  using fixture = await clientFixture();
  const { client } = fixture;
  const step = op(() => {}, { name: "step" });
  const outer = client.pushNewCall();
  const inner = outer.newStack.pushNewCall();
  for (const { currentCall, parentCall } of [outer, inner]) {
    await client.createCall(null, step, [], undefined, null, currentCall, parentCall, new Date());
  }
  client.runWithCallStack(inner.newStack, op(() => 1, { name: "leaf" }));
  const { currentCall, parentCall } = inner;
  await client.finishCallWithException(null, "failed", currentCall, parentCall, new Date());
  await client.finishCall(null, 1, outer.currentCall, undefined, undefined, new Date());
  const counts = fixture.pipeline.callsOf("step").map(({ summary }) => summary.status_counts);
  assert.deepEqual(counts, [{ success: 2, error: 1 }, { success: 1, error: 1 }]);
});

test("client: calls of another client are not on its stack", async () => {
  using first = await clientFixture();
  const peek = op(() => second.client.getCallStack().peek(), { name: "peek" });
  const { client } = first;
  using second = await clientFixture({}, { project: "team/other" });
  const entry = client.pushNewCall();
  client.runWithCallStack(entry.newStack, () => {
    assert.equal(client.getCallStack().peek(), entry.currentCall);
    assert.equal(second.client.getCallStack().peek(), null);
    assert.equal(peek(), null, "the op is recorded by the first client");
  });
  assert.equal(first.pipeline.callsOf("peek").length, 1);
});

test("client: steps of a disabled client record nothing, and untraced code stays untraced", async () => {
  using fixture = await clientFixture({ disabled: true });
  const { client } = fixture;
  const { currentCall, newStack } = client.pushNewCall();
  const traced = op(() => 1);
  const step = op(() => {}, { name: "step" });
  await client.createCall(null, step, [], undefined, null, currentCall, undefined, new Date());
  assert.equal(client.runWithCallStack(newStack, traced), 1);
  await client.finishCall(null, 1, currentCall, undefined, undefined, new Date());
  assert.deepEqual(fixture.pipeline.records, []);
  assert.ok(Object.isFrozen(client.settings));
  using other = await clientFixture();
  runUntraced(() => other.client.runWithCallStack(newStack, traced));
  assert.deepEqual(other.pipeline.records, []);
});
