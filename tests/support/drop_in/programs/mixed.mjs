// Evaluations with ops of both packages, in both directions. Arguments: the evaluation to
// run, and the packages to initialize.
import process from "node:process";
import * as weave from "weave";

// Copied here by the test.
const load = (name) => import(new URL(name, import.meta.url).href);
const own = await load("./weave_wal.mjs");

const [which, ...ways] = process.argv.slice(2);
const client = await weave.init("team/mixed", { printCallLink: false });
const ownClient = ways.includes("own") ? await own.init("team/mixed") : null;
if (ways.includes("other")) await own.init("team/other");
if (ways.includes("durable")) {
  const { durable } = await load("./durable.mjs");
  durable(client);
}

const summarize = (n) => ({ usage: { m: { prompt_tokens: n } } });
const ownLeaf = own.op(async function ownLeaf(n) {
  await null;
  return n;
}, { summarize });
const officialLeaf = weave.op(async function officialLeaf(n) {
  return n + await ownLeaf(n);
}, { summarize });
const officialModel = weave.op(async function officialModel({ datasetRow }) {
  return await ownLeaf(datasetRow.n) + await officialLeaf(datasetRow.n);
});
const ownModel = own.op(async function ownModel({ datasetRow }) {
  return await ownLeaf(datasetRow.n) + await officialLeaf(datasetRow.n);
});
const rows = [{ n: 1 }, { n: 2 }];
const score = ({ modelOutput }) => modelOutput;
// Missing in version 0.9.
const { withAttributes = (_, run) => run() } = weave;
const evaluations = {
  // Ops only, in both directions.
  ops: own.op(async function ownRoot() {
    await officialLeaf(1);
    return { model_output: { mean: 4.5 } };
  }),
  official: () =>
    withAttributes({ request: "r-1" }, () =>
      new weave.Evaluation({
        name: "evaluation",
        dataset: new weave.Dataset({ name: "rows", rows }),
        scorers: [own.op(score, { name: "ownScore" })],
      }).evaluate({ model: ownModel, maxConcurrency: 1 })),
  own: () =>
    own.withAttributes({ request: "r-1" }, () =>
      new own.Evaluation({
        name: "evaluation",
        dataset: new (ways.includes("dataset") ? weave : own).Dataset({ name: "rows", rows }),
        scorers: [weave.op(score, { name: "officialScore" })],
      }).evaluate({ model: officialModel, maxConcurrency: 1 })),
};
const { model_output } = await evaluations[which]();
if (model_output.mean !== 4.5) throw new Error(JSON.stringify(model_output));
await evaluations[which]();
await client.waitForBatchProcessing();
if (ownClient) console.log(`own records: ${(await ownClient.stats()).appended}`);
console.log("done");
