// Run by evaluation/compare_test.ts in its own process, once with the official SDK on
// Node and once with this package on the runtime of the test: only the module differs.
const weave = await import(process.argv[2]);
const client = await weave.init("team/compare", {
  printCallLink: false,
  globalAttributes: { app: "compare" },
});
const report = {};

// Awaits everything; with names.
const logger = new weave.EvaluationLogger({
  name: "logged evaluation!",
  description: "step by step",
  dataset: "questions",
  scorers: ["accuracy", "length"],
  model: { name: "guesser" },
  attributes: { run: "r-1" },
  trial_id: 7,
  more: { nested: [1, "two"] },
});
for (const [question, output, right] of [["one", 1, true], ["two", 3, false]]) {
  const prediction = await logger.logPredictionAsync({ question, list: [1] }, output);
  await prediction.logScore("accuracy", right);
  await prediction.logScore("length", question.length / 2);
  await prediction.logScore("why", { text: "because", n: 1 });
  report[`before ${question}`] = prediction.isFinishCalled;
  await prediction.finish();
  await prediction.finish();
  report[`after ${question}`] = prediction.isFinishCalled;
}
await logger.logSummary();
await logger.logSummary({ never: true });

// Awaits only the end; scores of several types and none; an unfinished prediction.
const quick = new weave.EvaluationLogger({ name: "quick", description: "in one go" });
const scores = [[1, null, true], [2, "text", 3], [3, null, "a"]];
for (const [first, second, third] of scores) {
  const prediction = quick.logPrediction({ first }, { output: first });
  prediction.logScore("numbers", first);
  prediction.logScore("nothing", second === "text" ? null : second);
  prediction.logScore("mixed", third);
  if (first < 3) prediction.finish();
}
await quick.logSummary();

// Only a start and an end; a prediction without scores.
await new weave.EvaluationLogger({ name: "empty", description: "nothing" }).logSummary();
const bare = new weave.EvaluationLogger({ name: "bare", description: "no scores" });
await (await bare.logPredictionAsync({}, null)).finish();
await bare.logSummary();

// Objects as model and dataset, a custom summary, attributes of the context.
class Model extends weave.WeaveObject {
  constructor() {
    super({ name: "own-model", description: "adds" });
    this.temperature = 0.5;
  }
}
const dataset = new weave.Dataset({ name: "rows", description: "of it", rows: [{ n: 1 }] });
await weave.withAttributes({ request: "q-1" }, () =>
  weave.op(async function around() {
    const own = new weave.EvaluationLogger({
      name: "own",
      description: "objects",
      dataset,
      model: new Model(),
    });
    const prediction = await own.logPredictionAsync({ n: 1 }, "done");
    await prediction.logScore("good", true);
    await prediction.finish();
    await prediction.logScore("late", 2);
    await own.logSummary({ all: { good: 1 } });
  })());

await client.waitForBatchProcessing();
console.log(JSON.stringify(report));
