// @ts-check
/**
 * Compares two models on one dataset. If the program is killed, the next run delivers what the
 * killed one had recorded.
 *
 *     node main.mjs
 */

import { Dataset, Evaluation, finish, init, op } from "@weave-wal/client";

await init("team/examples", { wal: true });

const dataset = new Dataset({
  name: "reviews",
  rows: [
    { text: "a joy to use", positive: true },
    { text: "not a joy to use", positive: false },
    { text: "it broke on the first day", positive: false },
    { text: "good value, and it works", positive: true },
  ],
});

/** @param {{ datasetRow: { positive: boolean }, modelOutput: boolean }} prediction */
function correct({ datasetRow, modelOutput }) {
  return datasetRow.positive === modelOutput;
}

/** @param {{ datasetRow: { text: string } }} input */
function findsPraise({ datasetRow }) {
  return /joy|good/.test(datasetRow.text);
}

/** @param {{ datasetRow: { text: string } }} input */
function findsNegation({ datasetRow }) {
  return findsPraise({ datasetRow }) && !/\bnot\b/.test(datasetRow.text);
}

const evaluation = new Evaluation({ name: "sentiment", dataset, scorers: [op(correct)] });
for (const model of [op(findsPraise), op(findsNegation)]) {
  const summary = await evaluation.evaluate({ model });
  console.log(`${model.__name}: ${summary.correct.true_count} of ${dataset.length} correct`);
}
await finish({ timeout: 5000 });
