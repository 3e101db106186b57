import assert from "node:assert/strict";
import { requireCurrentCallStackEntry, withAttributes } from "../../../src/client/init.ts";
import { Evaluation } from "../../../src/client/evaluation/evaluation.ts";
import { EvaluationLogger } from "../../../src/client/evaluation/evaluation_logger.ts";
import { Dataset } from "../../../src/client/objects/dataset.ts";
import { op } from "../../../src/client/op/op.ts";
import { fractionOf, type TraceRoot } from "../../../src/client/calls/sampling.ts";
import type { InitOptions } from "../../../src/client/settings/options.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

const leaf = op(function leaf(n: number) {
  return n;
});
const root = op(async function root(n: number) {
  await Promise.resolve();
  leaf(n);
  return await branch(n);
});
const branch = op(async function branch(n: number) {
  return await Promise.resolve(leaf(n) + 1);
});

test("sampling: whole traces are recorded, by the id of the trace, and the rest is counted", async () => {
  using fixture = await clientFixture({ sampleRate: 0.25 });
  const { pipeline, client } = fixture;
  for (let i = 0; i < 400; i++) assert.equal(await root(i), i + 1);
  const roots = pipeline.callsOf("root");
  assert.ok(roots.length > 60 && roots.length < 140, `${roots.length} of 400`);
  const traces = new Set(roots.map(({ trace_id }) => trace_id));
  for (const trace of traces) assert.ok(fractionOf(trace) < 0.25);
  const calls = pipeline.calls();
  assert.equal(calls.length, 4 * roots.length);
  for (const { trace_id, parent_id, op_name, ended_at } of calls) {
    assert.ok(traces.has(trace_id) && ended_at);
    assert.equal(parent_id === undefined, op_name.includes("/op/root:"));
  }
  assert.equal((await client.stats()).sampledOut, 4 * (400 - roots.length));
});

test("sampling: a trace is also in every larger sample, and fractions are even", () => {
  const ids = Array.from({ length: 4000 }, (_, i) => `0190e5a2-7c1b-7${i.toString(16)}-8123`);
  for (let tenth = 0; tenth < 10; tenth++) {
    const count = ids.map(fractionOf).filter((n) => Math.floor(n * 10) === tenth).length;
    assert.ok(count > 300 && count < 500, `${count} in tenth ${tenth}`);
  }
  assert.equal(fractionOf(ids[0]), fractionOf(ids[0]));
});

test("sampling: code in an unsampled trace works as usual", async () => {
  using fixture = await clientFixture({ sampleRate: 0 });
  const thrower = op(function thrower() {
    throw new RangeError("far");
  });
  const stream = op(async function* stream() {
    leaf(1);
    yield 1;
    await Promise.resolve();
    leaf(2);
    yield 2;
  });
  const outer = op(function outer() {
    const { callId, traceId, childSummary } = requireCurrentCallStackEntry();
    assert.ok(callId && traceId);
    childSummary.n = 1;
    assert.throws(thrower, RangeError);
    return stream();
  });
  const seen = [];
  for await (const n of outer()) seen.push(n);
  assert.deepEqual(seen, [1, 2]);
  const [result, call] = await leaf.invoke(5);
  assert.equal(result, 5);
  assert.equal(call.id, undefined);
  await call.setDisplayName("x");
  assert.equal(fixture.pipeline.records.length, 0);
  assert.equal((await fixture.client.stats()).sampledOut, 6);
  assert.equal(fixture.printed.length, 0);
});

test("sampling: a stream that is read later belongs to its trace", async () => {
  let rate = 0;
  using fixture = await clientFixture({ sampleRate: () => rate });
  const stream = op(async function* stream() {
    yield leaf(1);
    yield await Promise.resolve(leaf(2));
  });
  const unsampled = stream();
  rate = 1;
  for await (const _ of unsampled);
  assert.equal(fixture.pipeline.records.length, 0);
});

test("sampling: a function decides at the beginning of a trace", async () => {
  const roots: TraceRoot[] = [];
  using fixture = await clientFixture({
    sampleRate: (root) => {
      roots.push(root);
      return root.attributes.tenant === "gold" || (root.name === "leaf" ? 1 : false);
    },
  });
  await root(1);
  leaf(2);
  await withAttributes({ tenant: "gold" }, () => root(3));
  assert.deepEqual(roots.map(({ name }) => name), ["root", "leaf", "root"]);
  assert.equal(fixture.pipeline.calls().length, 5);
});

test("sampling: a function that fails records the trace, and says so once", async () => {
  const failures: (() => unknown)[] = [
    () => {
      throw new Error("mine");
    },
    () => "yes",
    () => Number.NaN,
    () => undefined,
    () => Promise.reject(new Error("asynchronous")),
  ];
  for (const sampleRate of failures) {
    using fixture = await clientFixture({ sampleRate } as InitOptions);
    leaf(1);
    leaf(2);
    assert.equal(fixture.pipeline.calls().length, 2);
    assert.equal(fixture.warned.filter((line) => line.includes("sampleRate failed")).length, 1);
  }
  // An unhandled rejection fails the test one turn of the event loop later.
  await new Promise((resolve) => setTimeout(resolve, 0));
});

test("sampling: evaluations and manual calls are recorded at any rate", async () => {
  using fixture = await clientFixture({ sampleRate: 0 });
  const { client, pipeline } = fixture;
  const model = op(function model({ datasetRow }: Any) {
    return leaf(datasetRow.n);
  });
  const scorer = op(function scorer() {
    return { right: true };
  });
  const evaluation = new Evaluation({
    dataset: new Dataset({ rows: [{ n: 1 }] }),
    scorers: [scorer],
  } as Any);
  const run = op(async function run() {
    return await evaluation.evaluate({ model } as Any);
  });
  await run();
  const names = pipeline.calls().map(({ op_name }) => /op\/(.*):/.exec(op_name)![1]);
  assert.ok(!names.includes("run"));
  for (
    const name of ["Evaluation.evaluate", "Evaluation.predictAndScore", "model", "scorer", "leaf"]
  ) {
    assert.ok(names.includes(name), `${name} of ${names}`);
  }
  const [{ parent_id, trace_id }] = pipeline.callsOf("Evaluation.evaluate");
  assert.equal(parent_id, undefined);
  assert.ok(pipeline.calls().every((call) => call.trace_id === trace_id));
  const before = pipeline.calls().length;
  const logger = new EvaluationLogger({ name: "logged" } as Any);
  await logger.logSummary();
  client.callEnd({ ...client.callStart({ op_name: "by-hand" }), output: 1 });
  assert.ok(pipeline.calls().length > before + 1);
});

test("sampling: calls of integrations follow their trace", async () => {
  using fixture = await clientFixture({ sampleRate: 0 });
  const { client, pipeline } = fixture;
  const outer = op(async function outer() {
    const { currentCall, parentCall, newStack } = client.pushNewCall();
    await client.createCall(null, leaf, [1], undefined, null, currentCall, parentCall, new Date());
    client.runWithCallStack(newStack, () => leaf(1));
    await client.finishCall(null, 1, currentCall, parentCall, undefined, new Date());
  });
  await outer();
  assert.equal(pipeline.records.length, 0);
  assert.equal((await client.stats()).sampledOut, 3);
});

test("sampling: the rate is checked", async () => {
  for (const sampleRate of [-0.1, 1.1, "half", Number.NaN]) {
    await assert.rejects(clientFixture({ sampleRate } as Any), { code: "ERR_INVALID_OPTION" });
  }
  using fixture = await clientFixture({}, {
    env: { WANDB_API_KEY: "key", WEAVE_WAL_SAMPLE_RATE: "0" },
  });
  leaf(1);
  assert.equal(fixture.pipeline.records.length, 0);
});

test("sampling: attributes apply in an unsampled trace", async () => {
  using fixture = await clientFixture({ sampleRate: 0 });
  const evaluation = new Evaluation({
    name: "e",
    dataset: new Dataset({ name: "d", rows: [{ n: 1 }] }),
    scorers: [],
  });
  const model = op(({ datasetRow }: { datasetRow: { n: number } }) => datasetRow.n, { name: "m" });
  const outer = op(async function outer() {
    assert.deepEqual(fixture.client.getCurrentAttributes(), { tenant: "gold" });
    await op(() => evaluation.evaluate({ model }), { name: "inner" })();
    void new EvaluationLogger({ name: "logged" }).logSummary();
  });
  await withAttributes({ tenant: "gold" }, () => outer());
  const calls = fixture.pipeline.calls();
  assert.equal(calls.length, 5);
  for (const { op_name, attributes } of calls) assert.equal(attributes.tenant, "gold", op_name);
});
