/**
 * Evaluations of a process that is killed while the server is unreachable.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import type { CallRecord } from "../../../tools/mock_server/store/call_store.ts";
import { UserProject } from "../../support/processes/program_fixture.ts";
import { test } from "../../harness.ts";

const PROJECT = "team/evaluations";

/** Evaluates six rows; with an argument, the model of row 4 never returns. */
const EVALUATION = `
import { Dataset, Evaluation, finish, init, op } from "./weave_wal.mjs";
const hangs = process.argv[2] === "hang";
await init("${PROJECT}");
const dataset = new Dataset({
  name: "rows",
  rows: [0, 1, 2, 3, 4, 5].map((n) => ({ n })),
});
const model = op(async function model({ datasetRow }) {
  if (hangs && datasetRow.n === 4) {
    console.log("hanging");
    setInterval(() => {}, 60_000);
    await new Promise(() => {});
  }
  return datasetRow.n * 2;
});
const doubled = op(function doubled({ datasetRow, modelOutput }) {
  console.log("scored");
  return modelOutput === 2 * datasetRow.n;
});
const evaluation = new Evaluation({ name: "doubling", dataset, scorers: [doubled] });
const { doubled: { true_count } } = await evaluation.evaluate({ model, maxConcurrency: 1 });
console.log(JSON.stringify([true_count, (await finish()).done]));
`;

test(
  "kill: an evaluation that was killed offline is delivered whole up to the kill, and once",
  async () => {
    await using mock = await startMockServer();
    using project = new UserProject();
    project.copy("weave_wal.mjs");
    project.write("main.mjs", EVALUATION);
    const env = {
      WEAVE_ENABLE_WAL: "true",
      WEAVE_LOG_LEVEL: "critical",
      WF_TRACE_SERVER_URL: mock.url,
    };
    await mock.stop();
    const first = project.start("main.mjs", { env, args: ["hang"] });
    await first.line("hanging");
    first.kill("SIGKILL");
    const { lines } = await first.ended;
    assert.equal(lines.filter((line) => line === "scored").length, 4);
    await mock.restart();
    const second = await project.run("main.mjs", { env });
    assert.deepEqual([second.code, second.lines.at(-1)], [0, "[6,true]"], second.errors);

    // Call IDs sort by creation.
    const calls = mock.store.calls(PROJECT).sort((a, b) => a.id < b.id ? -1 : 1);
    const [killed, whole] = calls.filter(isOp("Evaluation.evaluate"));
    assert.equal(killed.ended_at, null);
    assert.deepEqual(under(calls, killed), {
      predictions: [0, 1, 2, 3].map((n) => ({ output: true, model: n * 2, score: true })).concat(
        // Started, and killed in the model.
        { output: null, model: null, score: null } as never,
      ),
    });
    assert.notEqual(whole.ended_at, null);
    assert.deepEqual(under(calls, whole), {
      predictions: [0, 1, 2, 3, 4, 5].map((n) => ({ output: true, model: n * 2, score: true })),
    });
    assert.equal(calls.length, 2 + (4 * 3 + 2) + 6 * 3, "nothing is there twice");

    const { objects, tables } = mock.store.project(PROJECT);
    for (const id of ["doubling", "rows", "model", "doubled", "Evaluation.evaluate"]) {
      assert.equal(objects.get(id)?.length, 1, `versions of ${id}`);
    }
    assert.equal(tables.size, 1);
    assert.doesNotMatch(JSON.stringify([calls, [...objects]]), /PROVISIONAL/);
    assert.equal(mock.store.counts.danglingRows, 0);
    assert.equal(mock.store.counts.conflicts, 0);
    assert.deepEqual(project.logs(PROJECT, ".deadletter"), []);
  },
  { timeout: 60_000 },
);

/** Logs four predictions; with an argument, only two scores of the last one, and no end. */
const LOGGED = `
import { EvaluationLogger, finish, init } from "./weave_wal.mjs";
await init("${PROJECT}");
const logger = new EvaluationLogger({ name: "logged", dataset: "rows", model: { name: "m" } });
for (const n of [0, 1, 2, 3]) {
  const prediction = logger.logPrediction({ n }, n * 2);
  prediction.logScore("even", n % 2 === 0);
  prediction.logScore("size", n);
  if (process.argv[2] && n === 3) {
    console.log("hanging");
    setInterval(() => {}, 60_000);
    await new Promise(() => {});
  }
  prediction.finish();
}
logger.logSummary();
console.log(JSON.stringify((await finish()).done));
`;

test(
  "kill: what EvaluationLogger had recorded offline is delivered after a kill, and once",
  async () => {
    await using mock = await startMockServer();
    using project = new UserProject();
    project.copy("weave_wal.mjs");
    project.write("main.mjs", LOGGED);
    const env = {
      WEAVE_ENABLE_WAL: "true",
      WEAVE_LOG_LEVEL: "critical",
      WF_TRACE_SERVER_URL: mock.url,
    };
    await mock.stop();
    const first = project.start("main.mjs", { env, args: ["hang"] });
    await first.line("hanging");
    first.kill("SIGKILL");
    await first.ended;
    await mock.restart();
    const second = await project.run("main.mjs", { env });
    assert.deepEqual([second.code, second.lines.at(-1)], [0, "true"], second.errors);

    const calls = mock.store.calls(PROJECT).sort((a, b) => a.id < b.id ? -1 : 1);
    const [killed, whole] = calls.filter(isOp("Evaluation.evaluate"));
    const predictions = ({ id }: CallRecord) =>
      calls.filter((call) => call.parent_id === id && isOp("Evaluation.predict_and_score")(call))
        .map(({ output }) => output);
    const output = (n: number) => ({ output: n * 2, scores: { even: n % 2 === 0, size: n } });
    assert.deepEqual([killed.ended_at, killed.output], [null, null]);
    assert.deepEqual(predictions(killed), [output(0), output(1), output(2), null]);
    assert.deepEqual(whole.output, {
      even: { true_count: 2, true_fraction: 0.5 },
      size: { mean: 1.5 },
    });
    assert.deepEqual(predictions(whole), [0, 1, 2, 3].map(output));
    const ended = calls.filter(({ ended_at }) => ended_at !== null);
    assert.deepEqual([calls.length, ended.length], [1 + 4 * 4 + 1 + 4 * 4 + 1, 3 + 12 + 18]);

    const { objects, feedback } = mock.store.project(PROJECT);
    assert.equal(feedback.size, 16, "a score of each scorer for each prediction");
    const scored = new Set([...feedback.values()].map(({ weave_ref }) => weave_ref));
    const predicts = calls.filter(isOp("Model.predict"));
    assert.deepEqual(scored, new Set(predicts.map(({ id }) => `weave:///${PROJECT}/call/${id}`)));
    for (const id of ["logged", "m", "even", "size"]) {
      assert.equal(objects.get(id)?.length, 1, `versions of ${id}`);
    }
    assert.deepEqual(project.logs(PROJECT, ".deadletter"), []);
  },
  { timeout: 60_000 },
);

function isOp(name: string): (call: CallRecord) => boolean {
  return ({ op_name }) => op_name!.includes(`/op/${name}:`);
}

/** Outputs below an evaluation: for each prediction whether it ended, its model and its score. */
function under(calls: readonly CallRecord[], { id }: CallRecord): unknown {
  const childOf = (parent: string, name: string) =>
    calls.find((call) => call.parent_id === parent && isOp(name)(call))?.output ?? null;
  const predictions = calls.filter(({ parent_id }) => parent_id === id);
  return {
    predictions: predictions.map(({ id, output }) => ({
      output: output === null ? null : (output as { model_success: boolean }).model_success,
      model: childOf(id, "model"),
      score: childOf(id, "doubled"),
    })),
  };
}
