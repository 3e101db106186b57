// deno-lint-ignore-file require-await -- async functions are what is compared
// Run by evaluation_test.ts in a process of its own, once with the official SDK on Node and once with
// this package on the runtime of the test: only the module differs.
const weave = await import(process.argv[2]);
const client = await weave.init("team/compare", { printCallLink: false });
const report = {};

const dataset = new weave.Dataset({
  name: "questions",
  description: "rows",
  rows: [
    { question: "one", expected: 1 },
    { question: "two", expected: 2 },
    { question: "three", expected: 3 },
  ],
});
const lengthOf = weave.op(async function lengthOf(text) {
  return text.length;
});
const model = weave.op(async function model({ datasetRow }) {
  return { text: datasetRow.question, length: await lengthOf(datasetRow.question) };
});
const longEnough = weave.op(async function longEnough({ datasetRow, modelOutput }) {
  return modelOutput.length > datasetRow.expected;
});
const detailed = weave.op(async function detailed({ modelOutput }) {
  return { inner: { length: modelOutput.length, even: modelOutput.length % 2 === 0 }, why: "text" };
}, { name: "given.name" });

// Scores of every kind, and a second run of the same evaluation.
const evaluation = new weave.Evaluation({
  name: "my evaluation!",
  description: "of lengths",
  dataset,
  scorers: [longEnough, detailed],
});
report.first = await evaluation.evaluate({ model, maxConcurrency: 1 });
report.again = await evaluation.evaluate({ model, nTrials: 2, maxConcurrency: 1 });
report.ref = (await client.publish(evaluation)).objectId;

// Errors of models and scorers, values that cannot be summarized.
const failing = weave.op(async function failing({ datasetRow }) {
  if (datasetRow.expected === 2) throw new TypeError("no two");
  return datasetRow.expected;
});
const brokenScorer = weave.op(async function brokenScorer({ modelOutput }) {
  if (modelOutput === 3) throw new Error("no three");
  return { right: true };
});
const mixed = weave.op(async function mixed({ modelOutput }) {
  return [null, 1, "text", true][modelOutput];
});
const nothing = weave.op(async function nothing() {});
const numbers = weave.op(async function numbers({ modelOutput }) {
  return modelOutput === 1 ? 4 : null;
});
const picture = weave.op(async function picture() {
  return { image: weave.weaveImage({ data: new TextEncoder().encode("png") }), list: [1, 2] };
});
const withErrors = new weave.Evaluation({
  name: "errors",
  description: "fails",
  dataset,
  scorers: [brokenScorer, mixed, nothing, numbers, picture],
});
report.errors = await withErrors.evaluate({ model: failing, maxConcurrency: 1 });

// Renamed columns.
const mapping = new weave.Evaluation({
  name: "mapped",
  description: "renames",
  dataset,
  columnMapping: { input: "question", missing: "absent" },
  scorers: [
    weave.op(async function sameText({ datasetRow, modelOutput }) {
      return Object.keys(datasetRow).join() === "input" && datasetRow.input === modelOutput;
    }),
  ],
});
const echo = weave.op(async function echo({ datasetRow }) {
  return datasetRow.input;
});
report.mapped = await mapping.evaluate({ model: echo, maxConcurrency: 1 });

// A mapping to missing columns.
const unmapped = new weave.Evaluation({
  name: "unmapped",
  description: "finds nothing",
  dataset,
  columnMapping: { question: "absent" },
  scorers: [],
});
const columns = weave.op(async function columns({ datasetRow }) {
  return Object.keys(datasetRow).length;
});
report.unmapped = await unmapped.evaluate({ model: columns, maxConcurrency: 1 });

// Objects as models and scorers; a custom class.
class Model extends weave.WeaveObject {
  constructor() {
    super({ name: "model-object", description: "adds" });
    this.id = "model-id";
    this.step = 2;
    this.invoke = weave.op(this, this.invoke);
  }
  async invoke({ datasetRow }) {
    return datasetRow.expected + this.step;
  }
}
class Scorer extends weave.WeaveObject {
  constructor() {
    super({ name: "scorer-object", description: "compares" });
    this.id = "scorer-id";
  }
  async invoke({ modelOutput }) {
    return modelOutput;
  }
}
class OwnEvaluation extends weave.Evaluation {}
const own = new OwnEvaluation({ description: "of objects", dataset, scorers: [new Scorer()] });
report.objects = await own.evaluate({ model: new Model(), maxConcurrency: 1 });

// A single prediction, inside another op and with attributes.
const single = new weave.Evaluation({
  name: "single",
  description: "one",
  dataset,
  scorers: [longEnough],
});
report.single = await weave.withAttributes({ run: "r-1" }, () =>
  weave.op(async function outer() {
    const { model_latency, ...result } = await single.predictAndScore({
      model,
      example: dataset.getRow(2),
    });
    return { ...result, latency: typeof model_latency };
  })());

// Number of concurrent predictions.
let running = 0, most = 0;
const slow = weave.op(async function slow() {
  most = Math.max(most, ++running);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  running--;
});
const many = new weave.Dataset({
  name: "many",
  description: "rows",
  rows: Array.from({ length: 12 }, (_, n) => ({ n })),
});
const wide = new weave.Evaluation({ name: "w", description: "many", dataset: many, scorers: [] });
for (const [name, options] of Object.entries({ five: {}, three: { maxConcurrency: 3 } })) {
  most = 0;
  await wide.evaluate({ model: slow, ...options });
  report[name] = most;
}

await client.waitForBatchProcessing();
console.log(JSON.stringify(report));
