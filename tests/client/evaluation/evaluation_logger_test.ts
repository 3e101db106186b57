import assert from "node:assert/strict";
import { EvaluationLogger } from "../../../src/client/evaluation/evaluation_logger.ts";
import { ScoreTotals } from "../../../src/client/evaluation/score_totals.ts";
import { op } from "../../../src/client/op/op.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

test("evaluation logger: every method has recorded its data when it returns", async () => {
  using fixture = await clientFixture();
  const ended = () => fixture.pipeline.calls().filter(({ ended_at }) => ended_at).length;
  const logger = new EvaluationLogger({ name: "e" });
  assert.equal(fixture.pipeline.calls().length, 1);
  const prediction = logger.logPrediction({ n: 1 }, 2);
  assert.deepEqual(
    [fixture.pipeline.calls().length, ended()],
    [3, 1],
    "the model's call has ended",
  );
  void prediction.logScore("right", true);
  assert.deepEqual([fixture.pipeline.calls().length, ended()], [4, 2]);
  assert.equal(fixture.pipeline.of("feedback_create").length, 1);
  void prediction.finish();
  assert.equal(ended(), 3);
  void logger.logSummary();
  assert.deepEqual([fixture.pipeline.calls().length, ended()], [5, 5]);
  const [evaluate] = fixture.pipeline.callsOf("Evaluation.evaluate");
  assert.deepEqual(evaluate.output, { right: { true_count: 1, true_fraction: 1 } });
  assert.deepEqual(evaluate.summary.status_counts, { success: 5, error: 0 });
});

test("evaluation logger: an unfinished prediction is finished by logSummary, with a warning", async () => {
  using fixture = await clientFixture();
  const logger = new EvaluationLogger({ name: "e" });
  const open = logger.logPrediction({ n: 1 }, 1);
  void logger.logPrediction({ n: 2 }, 2).finish();
  void open.logScore("s", 4);
  void logger.logSummary();
  assert.equal(open.isFinishCalled, true);
  assert.deepEqual(fixture.warned, [
    "weave-wal: logSummary() finished 1 predictions of e whose finish() was not called",
  ]);
  const [evaluate] = fixture.pipeline.callsOf("Evaluation.evaluate");
  assert.deepEqual(evaluate.output, { s: { mean: 4 } });
  const [prediction] = fixture.pipeline.callsOf("Evaluation.predict_and_score");
  assert.deepEqual(prediction.output, { output: 1, scores: { s: 4 } });
});

test("evaluation logger: a scorer is saved once, and one without a valid name is reported", async () => {
  using fixture = await clientFixture();
  const logger = new EvaluationLogger({ name: "e" });
  const prediction = logger.logPrediction({}, null);
  await prediction.logScore("same", 1);
  await prediction.logScore("same", 2);
  await prediction.logScore("!", 3);
  await prediction.logScore("nothing", undefined);
  const saved = fixture.pipeline.of("obj_create").map(({ obj }) => obj.object_id);
  assert.equal(saved.filter((id) => id === "same").length, 1);
  const payloads = fixture.pipeline.of("feedback_create").map(({ payload }) => payload.output);
  assert.deepEqual(payloads, [1, 2, null]);
  assert.ok(fixture.warned.includes(
    'weave-wal: Cannot attach a score to its prediction: scorer "!" has no letter and no digit',
  ));
});

test("evaluation logger: its calls form their own trace, and are not parents of ops", async () => {
  using fixture = await clientFixture();
  const model = op(() => 1, { name: "model" });
  const around = op(() => {
    const logger = new EvaluationLogger({ name: "e" });
    logger.logPrediction({}, model());
    return logger;
  }, { name: "around" });
  void around().logSummary();
  const [outer] = fixture.pipeline.callsOf("around");
  const [evaluate] = fixture.pipeline.callsOf("Evaluation.evaluate");
  const [inner] = fixture.pipeline.callsOf("model");
  assert.equal("parent_id" in evaluate, false);
  assert.notEqual(evaluate.trace_id, outer.trace_id);
  assert.equal(inner.parent_id, outer.id);
});

test("evaluation logger: before init it is an error, and a disabled client records nothing", async () => {
  assert.throws(() => new EvaluationLogger({ name: "e" }), { code: "ERR_NOT_INITIALIZED" });
  using fixture = await clientFixture({ disabled: true });
  const logger = new EvaluationLogger({ name: "e" });
  const prediction = logger.logPrediction({}, 1);
  await prediction.logScore("s", 1);
  await prediction.finish();
  await logger.logSummary();
  assert.deepEqual(fixture.pipeline.records, []);
  assert.deepEqual(fixture.warned, []);
});

test("evaluation logger: fields of any name are saved, and do not replace methods", async () => {
  using fixture = await clientFixture();
  const more = { saveAttrs: "text", constructor: "other", _hidden: 1, run: 7, call: () => 1 };
  new EvaluationLogger({ name: "e", ...more });
  const { obj } = fixture.pipeline.of("obj_create").find(({ obj }) => obj.object_id === "e");
  assert.deepEqual(obj.val, {
    _type: "Evaluation",
    _class_name: "Evaluation",
    _bases: ["Object", "BaseModel"],
    name: "e",
    description: null,
    scorers: [],
    saveAttrs: "text",
    constructor: "other",
    run: 7,
  });
});

test("evaluation logger: totals of scores use the type of the first score, or none", () => {
  const totals = new ScoreTotals();
  totals.add({ a: 1, b: true, c: 1, d: "text", e: null });
  totals.add({ a: 2, b: false, c: true, d: "text", e: undefined });
  totals.add({ a: null, c: 1, e: 5 });
  assert.deepEqual(totals.summary(), {
    a: { mean: 1.5 },
    b: { true_count: 1, true_fraction: 0.5 },
    e: { mean: 5 },
  });
});

test("evaluation logger: a score of any type is recorded, and its prediction ends", async () => {
  using fixture = await clientFixture();
  const logger = new EvaluationLogger({ name: "e" });
  // Neither converts to a number.
  for (const score of [/(?<year>\d+)/.exec("2026")!.groups, Symbol("s"), 5n]) {
    const prediction = logger.logPrediction({}, 1);
    await prediction.logScore("found", score);
    await prediction.finish();
  }
  await logger.logSummary();
  const predictions = fixture.pipeline.callsOf("Evaluation.predict_and_score");
  assert.deepEqual(predictions.map(({ output }) => output.scores.found), [
    { year: "2026" },
    "Symbol(s)",
    "5",
  ]);
  assert.deepEqual(fixture.pipeline.callsOf("Evaluation.evaluate")[0].output, {});
});
