/**
 * Behavior of evaluations that the official SDK's own tests specify.
 *
 * @module
 */

import assert from "node:assert/strict";
import { runWithAttributes } from "../../../src/client/calls/call_stack.ts";
import { Evaluation } from "../../../src/client/evaluation/evaluation.ts";
import { EvaluationLogger } from "../../../src/client/evaluation/evaluation_logger.ts";
import { Dataset } from "../../../src/client/objects/dataset.ts";
import { WeaveObject } from "../../../src/client/objects/weave_object.ts";
import { op } from "../../../src/client/op/op.ts";
import { type Any, clientFixture, type Fixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

interface Row {
  id: number;
  text: string;
}

/** Five questions; with `fails`, the model fails on the first and a scorer on the fourth. */
function place({ fails = false, rows = (id: number): Any => ({ id, text: `Text ${id}` }) } = {}) {
  const dataset = new Dataset({ rows: [0, 1, 2, 3, 4].map(rows) });
  const model = op(async function model({ datasetRow }: { datasetRow: Row }) {
    await Promise.resolve();
    if (fails && (datasetRow.id === 0 || datasetRow.text === undefined)) {
      throw new Error("no model");
    }
    return `Answer to ${datasetRow.text}`;
  });
  const length = op(function length(given: { datasetRow: Row; modelOutput: string }) {
    if (fails && given.datasetRow.id === 3) throw new Error("no length");
    return { why: "counted", length: given.modelOutput.length };
  });
  const included = op(function included(given: { datasetRow: Row; modelOutput: string }) {
    return given.modelOutput.includes(given.datasetRow.text);
  });
  return { dataset, model, scorers: [length, included] };
}

async function summaryOf(
  { dataset, model, scorers }: ReturnType<typeof place>,
  columnMapping?: Any,
): Promise<Any> {
  const evaluation = new Evaluation({
    dataset,
    scorers,
    ...(columnMapping ? { columnMapping } : {}),
  } as Any);
  const { model_latency, ...rest } = await evaluation.evaluate({ model } as Any) as Any;
  assert.equal(typeof model_latency.mean, "number");
  return rest;
}

const WITH_FAILURES = {
  model_success: { true_count: 4, true_fraction: 0.8 },
  included: { true_count: 4, true_fraction: 0.8 },
  // Three of the five rows have a length, of 16 each.
  length: { length: { mean: 9.6 } },
};

test("official: an evaluation summarizes its scores by kind", async () => {
  using _ = await clientFixture();
  assert.deepEqual(await summaryOf(place()), {
    model_success: { true_count: 5, true_fraction: 1 },
    included: { true_count: 5, true_fraction: 1 },
    length: { length: { mean: 16 } },
  });
});

test("official: models and scorers that fail count in the summary as such", async () => {
  using _ = await clientFixture();
  assert.deepEqual(await summaryOf(place({ fails: true })), WITH_FAILURES);
});

test("official: columns are renamed for models and scorers; invalid names make them fail", async () => {
  using _ = await clientFixture();
  const renamed = place({ fails: true, rows: (id) => ({ key: id, question: `Text ${id}` }) });
  assert.deepEqual(await summaryOf(renamed, { id: "key", text: "question" }), WITH_FAILURES);
  assert.deepEqual(await summaryOf(renamed, { id: "nowhere", text: "neither" }), {
    model_success: { true_count: 0, true_fraction: 0 },
  });
});

test("official: attributes around an evaluation are those of all its calls", async () => {
  using fixture = await clientFixture();
  const { dataset, model, scorers } = place();
  const evaluation = new Evaluation({ dataset, scorers } as Any);
  const options = { model, nTrials: 2, maxConcurrency: 2 };
  await runWithAttributes({ run: "7" }, () => evaluation.evaluate(options as Any));
  const calls = fixture.pipeline.calls();
  const count = (name: string) => fixture.pipeline.callsOf(name).length;
  assert.deepEqual(["Evaluation.predictAndScore", "model", "length", "included"].map(count), [
    10,
    10,
    10,
    10,
  ]);
  assert.ok(calls.every(({ attributes }) => attributes.run === "7"));
});

/** One call of each kind made by an evaluation logger. */
function logged(fixture: Fixture): Record<string, Any> {
  const [evaluate] = fixture.pipeline.callsOf("Evaluation.evaluate");
  const [both] = fixture.pipeline.callsOf("Evaluation.predict_and_score");
  const [summarize] = fixture.pipeline.callsOf("Evaluation.summarize");
  const below = fixture.pipeline.calls().filter(({ parent_id }) => both?.id === parent_id);
  const predict = below.find(({ op_name }) => /predict/.test(op_name));
  const score = below.find(({ op_name }) => /accuracy/.test(op_name));
  return { evaluate, both, summarize, score, predict };
}

test("official: awaited or not, a logger's scores are those of its prediction and its summary", async () => {
  for (const awaits of [true, false]) {
    using fixture = await clientFixture();
    const logger = new EvaluationLogger({ name: "logged" });
    const pairs = [[0.3, 0.9], [0.4, 0.7], [0.5, 0.8]];
    for (const [accuracy, f1] of pairs) {
      const prediction = awaits
        ? await logger.logPredictionAsync({ input: "test" }, "output")
        : logger.logPrediction({ input: "test" }, "output");
      const steps = [prediction.logScore("accuracy", accuracy), prediction.logScore("f1", f1)];
      if (awaits) await Promise.all(steps);
      const finished = prediction.finish();
      if (awaits) await finished;
    }
    await logger.logSummary();
    const { evaluate, both, summarize } = logged(fixture);
    assert.deepEqual(both.output.scores, { accuracy: 0.3, f1: 0.9 });
    for (const { output } of [evaluate, summarize]) {
      assert.ok(Math.abs(output.accuracy.mean - 0.4) < 1e-9);
      assert.ok(Math.abs(output.f1.mean - 0.8) < 1e-9);
    }
    assert.equal(fixture.pipeline.callsOf("Evaluation.predict_and_score").length, 3);
  }
});

test("official: a logger's calls form a tree, marked as created step by step", async () => {
  using fixture = await clientFixture();
  const logger = new EvaluationLogger({ name: "logged" });
  const prediction = await logger.logPredictionAsync({ input: "test" }, "output");
  await prediction.logScore("accuracy", 0.95);
  await prediction.finish();
  await logger.logSummary();
  const { evaluate, both, predict, score, summarize } = logged(fixture);
  assert.equal(evaluate.parent_id ?? null, null);
  assert.deepEqual([both.parent_id, summarize.parent_id], [evaluate.id, evaluate.id]);
  assert.deepEqual([predict.parent_id, score.parent_id], [both.id, both.id]);
  const marks = [evaluate, predict, summarize, score].map(({ attributes }) =>
    attributes._weave_eval_meta
  );
  assert.ok(marks.every(({ imperative }) => imperative === true));
  assert.equal(marks[3].score, true);
});

test("official: all options of a logger are taken, its attributes are on its calls", async () => {
  using fixture = await clientFixture();
  const logger = new EvaluationLogger({
    name: "logged",
    description: "of all",
    dataset: "rows",
    model: new WeaveObject({ name: "my-model" }),
    scorers: ["accuracy", "f1"],
    attributes: { trial_id: "abc123" },
  });
  await (await logger.logPredictionAsync({ input: "test" }, "out")).finish();
  await logger.logSummary();
  const { evaluate, both } = logged(fixture);
  assert.equal(evaluate.attributes.trial_id, "abc123");
  assert.deepEqual(both.output.scores, {}, "a prediction without scores");
});

test("official: booleans are counted, a summary of one's own wins, and none of nothing is empty", async () => {
  using fixture = await clientFixture();
  const counted = new EvaluationLogger({ name: "counted" });
  for (const passed of [true, false, true]) {
    const prediction = counted.logPrediction({}, 1);
    void prediction.logScore("passed", passed);
    void prediction.finish();
  }
  await counted.logSummary();
  const own = new EvaluationLogger({ name: "own" });
  void own.logPrediction({}, 1).logScore("accuracy", 0.95);
  await own.logSummary({ metric: "value", accuracy: { mean: 0.99 } });
  await new EvaluationLogger({ name: "empty" }).logSummary();
  assert.deepEqual(
    fixture.pipeline.callsOf("Evaluation.evaluate").map(({ output }) => output),
    [
      { passed: { true_count: 2, true_fraction: 2 / 3 } },
      { metric: "value", accuracy: { mean: 0.99 } },
      {},
    ],
  );
});
