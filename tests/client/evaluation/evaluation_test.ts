import assert from "node:assert/strict";
import { Dataset } from "../../../src/client/objects/dataset.ts";
import { Evaluation } from "../../../src/client/evaluation/evaluation.ts";
import { forEachConcurrently } from "../../../src/client/evaluation/concurrent_loop.ts";
import { summarizeResults } from "../../../src/client/evaluation/summarize_results.ts";
import { op } from "../../../src/client/op/op.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

const rows = [{ question: "one", expected: 1 }, { question: "two", expected: 2 }];
const newDataset = () => new Dataset({ name: "questions", rows });
const right = op(function right(
  { datasetRow, modelOutput }: { datasetRow: { expected: number }; modelOutput: number },
) {
  return modelOutput === datasetRow.expected;
});
const one = op(function one(_: { datasetRow: { question: string } }) {
  return 1;
});

test("evaluation: without a client it runs and summarizes like any function", async () => {
  const evaluation = new Evaluation({ dataset: newDataset(), scorers: [right] });
  const { model_success, right: scores, model_output, model_latency } = await evaluation
    .evaluate({ model: one });
  assert.deepEqual(model_success, { true_count: 2, true_fraction: 1 });
  assert.deepEqual(scores, { true_count: 1, true_fraction: 0.5 });
  assert.deepEqual(model_output, { mean: 1 });
  assert.ok(model_latency.mean! >= 0);
});

test("evaluation: predictions are children of the evaluation, and rows are recorded as refs", async () => {
  using fixture = await clientFixture();
  await new Evaluation({ name: "e", dataset: newDataset(), scorers: [right] })
    .evaluate({ model: one });
  const [evaluate] = fixture.pipeline.callsOf("Evaluation.evaluate");
  const predictions = fixture.pipeline.callsOf("Evaluation.predictAndScore");
  const [model, other] = fixture.pipeline.callsOf("one");
  assert.equal(evaluate.display_name, "e_one");
  assert.deepEqual(Object.keys(evaluate.inputs), ["self", "model"]);
  assert.deepEqual(predictions.map(({ parent_id }) => parent_id), [evaluate.id, evaluate.id]);
  assert.deepEqual([model.parent_id, other.parent_id], predictions.map(({ id }) => id));
  for (const { inputs } of [model, other]) {
    assert.match(inputs.arg0.datasetRow, /object\/questions:\w+\/attr\/rows\/id\/\w+$/);
  }
  assert.deepEqual(evaluate.summary.status_counts, { success: 7, error: 0 });
});

test("evaluation: an error of a model or a scorer is logged once, and the evaluation goes on", async () => {
  const events: string[] = [];
  using fixture = await clientFixture({ onEvent: ({ name }) => void events.push(name) });
  const failing = op(function failing({ datasetRow }: { datasetRow: { expected: number } }) {
    if (datasetRow.expected < 3) throw new TypeError("not now");
    return 3;
  });
  const broken = op(function broken(_: { modelOutput: number }): number {
    throw new RangeError("no score");
  });
  const dataset = new Dataset({ name: "q", rows: [...rows, { question: "three", expected: 3 }] });
  const summary = await new Evaluation({ name: "e", dataset, scorers: [broken] })
    .evaluate({ model: failing });
  assert.deepEqual(summary.model_success, { true_count: 1, true_fraction: 1 / 3 });
  assert.equal("broken" in summary, false);
  assert.deepEqual(fixture.warned, [
    "weave-wal: Model failing failed in evaluation e: not now",
    "weave-wal: Scorer broken failed in evaluation e: no score",
  ]);
  assert.deepEqual(events.filter((name) => name === "evaluation-error").length, 2);
  const [evaluate] = fixture.pipeline.callsOf("Evaluation.evaluate");
  assert.equal("exception" in evaluate, false);
  assert.deepEqual(evaluate.summary.status_counts.error, 3);
});

test("evaluation: progress is shown on standard error only", async () => {
  const logged: unknown[] = [];
  const { log } = console;
  console.log = (...line) => void logged.push(line);
  try {
    using watched = await clientFixture({}, { isTerminal: true });
    const evaluation = new Evaluation({ name: "e", dataset: newDataset(), scorers: [] });
    await evaluation.evaluate({ model: one, nTrials: 2, maxConcurrency: 1 });
    assert.deepEqual(watched.warned, [
      "e: 1 of 4 examples, 0 errors",
      "e: 2 of 4 examples, 0 errors",
      "e: 3 of 4 examples, 0 errors",
      "e: 4 of 4 examples, 0 errors",
    ]);
    using unwatched = await clientFixture();
    await evaluation.evaluate({ model: one });
    assert.deepEqual(unwatched.warned, []);
  } finally {
    console.log = log;
  }
  assert.deepEqual(logged, []);
});

test("evaluation: invalid values are refused with an error that names them", async () => {
  const dataset = newDataset();
  const scorers = ["not a scorer"] as never[];
  assert.throws(
    () => new Evaluation({ dataset, scorers }),
    /^WeaveWalError: Cannot use a scorer of an evaluation: "not a scorer" is not an op or an object/,
  );
  assert.throws(
    () => new Evaluation({ dataset, scorers: [], maxConcurrency: 0 }),
    /Cannot use maxConcurrency of an evaluation: 0 is not a number of at least 1/,
  );
  const evaluation = new Evaluation({ dataset, scorers: [] });
  const refused = { code: "ERR_INVALID_OPTION" };
  await assert.rejects(evaluation.evaluate({ model: one, nTrials: 0 }), refused);
  await assert.rejects(evaluation.evaluate({ model: one, maxConcurrency: NaN }), refused);
  await assert.rejects(evaluation.evaluate({ model: {} as never }), refused);
});

test("evaluation: maxConcurrency of the constructor applies unless evaluate has its own", async () => {
  let running = 0, most = 0;
  const slow = op(async function slow(_: object) {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running--;
  });
  const dataset = new Dataset({ name: "d", rows: Array.from({ length: 9 }, (_, n) => ({ n })) });
  const evaluation = new Evaluation({ dataset, scorers: [], maxConcurrency: 2 });
  await evaluation.evaluate({ model: slow });
  assert.equal(most, 2);
  most = 0;
  await evaluation.evaluate({ model: slow, maxConcurrency: Infinity });
  assert.equal(most, 9);
});

test("evaluation: a dataset made from a ref is loaded first", async () => {
  const answer = () => Response.json({ rows: [{ digest: "r1", val: { n: 5 } }] });
  using fixture = await clientFixture({}, { answer });
  const uri = "weave:///team/demo/table/abc";
  const dataset = new Dataset<{ n: number }>({ name: "d", rows: uri });
  const model = op(({ datasetRow }: { datasetRow: { n: number } }) => datasetRow.n, { name: "n" });
  const summary = await new Evaluation({ dataset, scorers: [] }).evaluate({ model });
  assert.deepEqual(summary.model_output, { mean: 5 });
  assert.ok(fixture.requests.some(({ url }) => url.endsWith("/table/query")));
});

test("evaluation: a plain scoring function is named after itself", async () => {
  const half = () => 0.5;
  const evaluation = new Evaluation({ dataset: newDataset(), scorers: [half as never] });
  const summary = await evaluation.evaluate({ model: one });
  assert.deepEqual(summary.half, { mean: 0.5 });
});

test("evaluation: a failure ends the loop after the tasks in progress", async () => {
  const ended: number[] = [];
  let release = (): void => {};
  const blocked = new Promise<void>((resolve) => release = resolve);
  const loop = forEachConcurrently([0, 1, 2, 3], 2, async (item) => {
    if (item === 0) await blocked;
    else setTimeout(release, 1);
    if (item === 1) throw new Error("stop");
    ended.push(item);
  });
  await assert.rejects(loop, /stop/);
  assert.deepEqual(ended, [0], "the running one was waited for, no other was started");
});

test("evaluation: circular outputs are summarized", () => {
  const output: Record<string, unknown> = { score: 2 };
  output.self = output;
  output.list = [output];
  assert.deepEqual(summarizeResults([{ output }, { output }, null]), {
    output: { score: { mean: 4 / 3 } },
  });
});

test("evaluation: an op of the official package emits one event", async () => {
  const events: string[] = [];
  using fixture = await clientFixture({ onEvent: ({ name }) => void events.push(name) });
  const official = Object.assign(one.bind(null), {
    __isOp: true,
    __name: "official",
    __wrappedFunction: () => 1,
  });
  const evaluation = new Evaluation({ name: "e", dataset: newDataset(), scorers: [right] });
  await evaluation.evaluate({ model: official as never });
  await evaluation.evaluate({ model: official as never });
  assert.deepEqual(events.filter((name) => name === "mixed-packages").length, 1);
  assert.match(fixture.warned.join(), /uses op "official" of the official weave package/);
  const [evaluate] = fixture.pipeline.callsOf("Evaluation.evaluate");
  assert.match(evaluate.inputs.model, /\/op\/official:/);
  assert.equal(evaluate.display_name, "e_official");
});

/** Compiles only if `A` is assignable to `B` (`true`), or only if it is not (`false`). */
function usable<A, B>(_expected: [A] extends [B] ? true : false): void {}

test("types: models and scorers preserve the types of rows and outputs", async () => {
  const evaluation = new Evaluation({ dataset: newDataset(), scorers: [right] });
  const summary = await evaluation.evaluate({ model: one });
  const fraction: number | undefined = summary.right.true_fraction;
  assert.equal(fraction, 0.5);
  type Model = Parameters<typeof evaluation.evaluate>[0]["model"];
  const text = op((_: { datasetRow: { question: string } }) => "text");
  const other = op((_: { datasetRow: { absent: string } }) => 1);
  const slow = op((_: { datasetRow: { expected: number } }) => Promise.resolve(1));
  usable<typeof one, Model>(true);
  usable<typeof slow, Model>(true);
  usable<typeof text, Model>(false);
  usable<typeof other, Model>(false);
  usable<() => number, Model>(false);
  usable<{ id: string; invoke: typeof one }, Model>(true);
  assert.equal(text.__isOp && other.__isOp, true);
  const { model_output } = await evaluation.predictAndScore({ model: one, example: rows[0] });
  const output: number | undefined = model_output;
  assert.equal(output, 1);
});
